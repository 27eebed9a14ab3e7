// SPDX-License-Identifier: GPL-2.0
// error: E0521 borrowed data escapes outside of function

//! A bio is kept by itself, so that it can go to a device of another map when this one's is gone.

#[path = "common/target.rs"]
mod target;

use storage_dm::{
    Bio,
    BioList, //
};
use target::Nothing;

/// Puts it where the target keeps what outlives a callback.
fn keep<T: 'static>(_value: T) {}

pub fn map(list: &mut BioList<Nothing>, bio: Bio<'_, Nothing>) {
    #[cfg(not(mistake))]
    {
        drop(bio.hold(list));
        keep(list.take());
    }
    #[cfg(mistake)]
    keep(bio);
}
