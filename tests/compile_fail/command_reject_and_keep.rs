// SPDX-License-Identifier: GPL-2.0
// error: E0382 use of moved value: `command`

//! The mid-layer gets a command back that the driver also keeps.

#[path = "common/adapter.rs"]
mod adapter;

use adapter::Adapter;
use kernel::prelude::*;
use storage::scsi::{
    Command,
    Rejected, //
};

pub fn queue(
    kept: &mut KVec<Command<Adapter>>,
    command: Command<Adapter>,
) -> Result<(), Rejected<Adapter>> {
    let rejected = command.reject_host_busy();
    #[cfg(mistake)]
    let _ = kept.push(command, GFP_ATOMIC);
    Err(rejected)
}
