// SPDX-License-Identifier: GPL-2.0
// error: E0382 use of moved value: `command`

//! One command is completed on the way out of two branches.

#[path = "common/adapter.rs"]
mod adapter;

use adapter::Adapter;
use storage_scsi::{
    Command,
    Done,
    HostByte,
    Status, //
};

pub fn answer<'c>(command: Command<'c, Adapter>) -> Done<'c> {
    let done = command.complete(Status::GOOD);
    #[cfg(mistake)]
    let done = command.complete(Status::host(HostByte::Error));
    done
}
