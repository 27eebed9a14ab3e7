// SPDX-License-Identifier: GPL-2.0
// error: E0505 cannot move out of `command` because it is borrowed

//! A reference into the command outlives it.

#[path = "common/adapter.rs"]
mod adapter;

use adapter::Adapter;
use storage_scsi::{
    Command,
    Done,
    Status, //
};

pub fn answer<'c>(command: Command<'c, Adapter>) -> (u32, Done<'c>) {
    let data = command.data();
    #[cfg(not(mistake))]
    let data = &data.clone();
    let done = command.complete(Status::GOOD);
    (*data, done)
}
