// SPDX-License-Identifier: GPL-2.0
// error: E0382 use of moved value: `command`

//! A command is completed, and given back for another try.

#[path = "common/adapter.rs"]
mod adapter;

use adapter::Adapter;
use storage::scsi::{
    Command,
    HostByte,
    Rejected,
    Status, //
};

pub fn queue(dead: bool, command: Command<Adapter>) -> Result<(), Rejected<Adapter>> {
    if dead {
        command.complete(Status::host(HostByte::NoConnect));
        #[cfg(not(mistake))]
        return Ok(());
    }
    Err(command.reject_host_busy())
}
