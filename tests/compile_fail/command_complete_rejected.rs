// SPDX-License-Identifier: GPL-2.0
// error: E0599 no method named `complete` found

//! A rejected command is completed.

#[path = "common/adapter.rs"]
mod adapter;

use adapter::Adapter;
use storage_scsi::{
    Command,
    Done,
    HostByte,
    Status, //
};

pub fn queue<'c>(command: Command<'c, Adapter>) -> Done<'c> {
    #[cfg(mistake)]
    let command = command.reject_host_busy();
    command.complete(Status::host(HostByte::NoConnect))
}
