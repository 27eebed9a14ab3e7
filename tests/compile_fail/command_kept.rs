// SPDX-License-Identifier: GPL-2.0
// error: E0521 borrowed data escapes outside of function

//! A command is kept beyond the call that gave it, where nothing makes sure that it is completed.

#[path = "common/adapter.rs"]
mod adapter;

use adapter::Adapter;
use kernel::prelude::*;
use storage_scsi::{
    Command,
    Done,
    HostByte,
    Status, //
};

pub fn queue<'c>(
    #[cfg(mistake)] kept: &mut KVec<Command<'static, Adapter>>,
    #[cfg(not(mistake))] kept: &mut KVec<Command<'c, Adapter>>,
    command: Command<'c, Adapter>,
) -> Option<Done<'c>> {
    let _ = kept.push(command, GFP_ATOMIC);
    None
}
