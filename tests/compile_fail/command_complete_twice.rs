// SPDX-License-Identifier: GPL-2.0
// error: E0382 use of moved value: `command`

//! One command is completed on the way out of two branches.

#[path = "common/adapter.rs"]
mod adapter;

use adapter::Adapter;
use storage::scsi::{
    Command,
    HostByte,
    Status, //
};

pub fn answer(command: Command<Adapter>) {
    command.complete(Status::GOOD);
    #[cfg(mistake)]
    command.complete(Status::host(HostByte::Error));
}
