// SPDX-License-Identifier: GPL-2.0
// error: E0382 borrow of moved value: `command`

//! The command's own data is read when the command can already be another's.

#[path = "common/adapter.rs"]
mod adapter;

use adapter::Adapter;
use storage::scsi::{
    Command,
    Status, //
};

pub fn answer(command: Command<Adapter>) -> u32 {
    #[cfg(not(mistake))]
    let data = *command.data();
    command.complete(Status::GOOD);
    #[cfg(mistake)]
    let data = *command.data();
    data
}
