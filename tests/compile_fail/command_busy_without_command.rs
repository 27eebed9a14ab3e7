// SPDX-License-Identifier: GPL-2.0
// error: E0308 mismatched types

//! `queue` says busy and has dropped the command, which then ends twice.

#[path = "common/adapter.rs"]
mod adapter;

use adapter::Adapter;
use kernel::prelude::*;
use storage_scsi::{
    Command,
    Done,
    Rejected, //
};

pub fn queue<'c>(command: Command<'c, Adapter>) -> Result<Done<'c>, Rejected<'c>> {
    #[cfg(mistake)]
    return Err(EBUSY);
    #[cfg(not(mistake))]
    return Err(command.reject_host_busy());
}
