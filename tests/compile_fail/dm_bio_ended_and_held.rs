// SPDX-License-Identifier: GPL-2.0
// error: E0382 use of moved value: `bio`

//! A bio that the target holds, to send it again, is ended as well.

#[path = "common/target.rs"]
mod target;

use storage_dm::{
    BioList,
    EndBio,
    EndedBio, //
};
use target::Nothing;

pub fn end<'b>(bio: EndedBio<'b, Nothing>, list: &mut BioList<Nothing>) -> EndBio<'b, Nothing> {
    let held = bio.hold(list);
    #[cfg(not(mistake))]
    return held;
    #[cfg(mistake)]
    {
        drop(held);
        bio.done()
    }
}
