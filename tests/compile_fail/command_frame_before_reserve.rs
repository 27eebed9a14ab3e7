// SPDX-License-Identifier: GPL-2.0
// error: E0599 no method named `post` found

//! A command goes to hardware whose place in the table, and so its frame, another may have.

#[path = "common/adapter.rs"]
mod adapter;

use adapter::Adapter;
use storage::doorbell::Posting;
use storage_scsi::{
    Command,
    Done,
    Rejected, //
};

pub fn queue<'c>(
    adapter: &Adapter,
    command: Command<'c, Adapter>,
    ring: fn(Posting<'_>),
) -> Result<Done<'c>, Rejected<'c>> {
    #[cfg(mistake)]
    let reserved = command;
    #[cfg(not(mistake))]
    let reserved = match adapter.in_flight.reserve(command) {
        Ok(reserved) => reserved,
        Err(command) => return Err(command.reject_host_busy()),
    };
    Ok(reserved.post(ring))
}
