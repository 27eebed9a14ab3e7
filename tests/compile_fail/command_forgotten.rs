// SPDX-License-Identifier: GPL-2.0
// error: E0308 mismatched types

//! A command is forgotten: its request would never end.

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

pub fn queue<'c>(command: Command<'c, Adapter>) -> Result<Done<'c>, Rejected<'c>> {
    #[cfg(mistake)]
    return Ok(core::mem::forget(command));
    #[cfg(not(mistake))]
    return Ok(command.complete(Status::host(HostByte::Error)));
}
