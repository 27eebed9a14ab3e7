// SPDX-License-Identifier: GPL-2.0
// error: E0382 borrow of moved value: `command`

//! The command's own data is read when the command can already be another's.

#[path = "common/adapter.rs"]
mod adapter;

use adapter::Adapter;
use storage_scsi::{
    Command,
    Done,
    Status, //
};

pub fn answer<'c>(command: Command<'c, Adapter>) -> (u32, Done<'c>) {
    #[cfg(not(mistake))]
    let data = *command.data();
    let done = command.complete(Status::GOOD);
    #[cfg(mistake)]
    let data = *command.data();
    (data, done)
}
