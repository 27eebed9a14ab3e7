// SPDX-License-Identifier: GPL-2.0
// error: E0599 no method named `clone` found

//! Two lists hold one command.

#[path = "common/adapter.rs"]
mod adapter;

use adapter::Adapter;
use kernel::prelude::*;
use storage::scsi::Command;

pub fn park(
    first: &mut KVec<Command<Adapter>>,
    second: &mut KVec<Command<Adapter>>,
    command: Command<Adapter>,
) -> Result {
    #[cfg(mistake)]
    first.push(command.clone(), GFP_ATOMIC)?;
    second.push(command, GFP_ATOMIC)?;
    Ok(())
}
