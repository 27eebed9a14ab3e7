// SPDX-License-Identifier: GPL-2.0
// error: E0382 use of moved value: `command`

//! A command is completed, and given back for another try.

#[path = "common/adapter.rs"]
mod adapter;

use adapter::Adapter;
use storage_scsi::{
    Command,
    Done,
    HostByte,
    Rejected,
    Status, //
};

pub fn queue<'c>(dead: bool, command: Command<'c, Adapter>) -> Result<Done<'c>, Rejected<'c>> {
    if dead {
        let done = command.complete(Status::host(HostByte::NoConnect));
        #[cfg(not(mistake))]
        return Ok(done);
    }
    Err(command.reject_host_busy())
}
