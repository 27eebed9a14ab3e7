// SPDX-License-Identifier: GPL-2.0
// error: E0061 this method takes 1 argument but 0 arguments were supplied

//! A bio is submitted where another one ends, which may be in an interrupt that has stopped a task while it
//! submits.

#[path = "common/target.rs"]
mod target;

use storage_dm::{
    BioList,
    EndBio,
    EndedBio,
    Live, //
};
use target::Nothing;

pub fn end<'b>(
    this: &'b Live<Nothing>,
    list: &mut BioList<Nothing>,
    bio: EndedBio<'b, Nothing>,
) -> EndBio<'b, Nothing> {
    if let (Some(held), Some(device)) = (list.pop(this), this.devices().first()) {
        let mapped = held.remap(device, 0);
        #[cfg(not(mistake))]
        drop(mapped);
        #[cfg(mistake)]
        mapped.submit();
    }
    bio.done()
}
