// SPDX-License-Identifier: GPL-2.0
// error: E0507 cannot move out of `*command` which is behind a shared reference

//! A command that belongs to another is completed through a reference.

#[path = "common/adapter.rs"]
mod adapter;

use adapter::Adapter;
use storage::scsi::{
    Command,
    Status, //
};

pub fn answer(
    #[cfg(mistake)] command: &Command<Adapter>,
    #[cfg(not(mistake))] command: Command<Adapter>,
) {
    command.complete(Status::GOOD);
}
