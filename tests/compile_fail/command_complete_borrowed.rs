// SPDX-License-Identifier: GPL-2.0
// error: E0507 cannot move out of `*command` which is behind a shared reference

//! A command that belongs to another is completed through a reference.

#[path = "common/adapter.rs"]
mod adapter;

use adapter::Adapter;
use storage_scsi::{
    Command,
    Done,
    Status, //
};

pub fn answer<'c>(
    #[cfg(mistake)] command: &Command<'c, Adapter>,
    #[cfg(not(mistake))] command: Command<'c, Adapter>,
) -> Done<'c> {
    command.complete(Status::GOOD)
}
