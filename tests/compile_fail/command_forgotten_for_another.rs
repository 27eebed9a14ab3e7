// SPDX-License-Identifier: GPL-2.0
// error: uncoded lifetime may not live long enough

//! One command is completed in place of another, which is forgotten.

#[path = "common/adapter.rs"]
mod adapter;

use adapter::Adapter;
use storage_scsi::{
    Command,
    Done,
    Rejected,
    Status, //
};

pub fn queue<'a, 'b>(
    first: Command<'a, Adapter>,
    second: Command<'b, Adapter>,
) -> (Done<'a>, Done<'b>) {
    let (one, two) = (first.complete(Status::GOOD), second.complete(Status::GOOD));
    #[cfg(mistake)]
    return (two, one);
    #[cfg(not(mistake))]
    return (one, two);
}
