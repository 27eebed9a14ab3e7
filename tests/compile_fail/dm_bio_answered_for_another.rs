// SPDX-License-Identifier: GPL-2.0
// error: E0621 explicit lifetime required in the type of `other`

//! The end of one bio is answered with what became of another.

#[path = "common/target.rs"]
mod target;

use storage_dm::{
    EndBio,
    EndedBio, //
};
use target::Nothing;

pub fn end<'b>(bio: EndedBio<'b, Nothing>, other: EndedBio<'_, Nothing>) -> EndBio<'b, Nothing> {
    #[cfg(not(mistake))]
    return bio.done();
    #[cfg(mistake)]
    other.done()
}
