// SPDX-License-Identifier: GPL-2.0
// error: E0616 field `command` of struct `Rejected` is private

//! A rejected command is taken back out of its rejection and completed.

#[path = "common/adapter.rs"]
mod adapter;

use adapter::Adapter;
use storage::scsi::{
    Command,
    HostByte,
    Status, //
};

pub fn queue(command: Command<Adapter>) {
    #[cfg(mistake)]
    let command = command.reject_device_busy().command;
    command.complete(Status::host(HostByte::NoConnect));
}
