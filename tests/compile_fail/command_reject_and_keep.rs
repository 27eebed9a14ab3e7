// SPDX-License-Identifier: GPL-2.0
// error: E0382 use of moved value: `command`

//! The mid-layer gets a command back that the driver also posts.

#[path = "common/adapter.rs"]
mod adapter;

use adapter::Adapter;
use storage_scsi::{
    Command,
    Done,
    Rejected, //
};

pub fn queue<'c>(
    adapter: &Adapter,
    command: Command<'c, Adapter>,
) -> Result<Done<'c>, Rejected<'c>> {
    let rejected = command.reject_host_busy();
    #[cfg(mistake)]
    if let Ok(reserved) = adapter.in_flight.reserve(command) {
        return Ok(reserved.post(|_| ()));
    }
    Err(rejected)
}
