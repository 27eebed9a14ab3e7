// SPDX-License-Identifier: GPL-2.0
// error: E0505 cannot move out of `command` because it is borrowed

//! A reference into the command outlives it.

#[path = "common/adapter.rs"]
mod adapter;

use adapter::Adapter;
use storage::scsi::{
    Command,
    Status, //
};

pub fn answer(command: Command<Adapter>) -> u32 {
    let data = command.data();
    #[cfg(not(mistake))]
    let data = &data.clone();
    command.complete(Status::GOOD);
    *data
}
