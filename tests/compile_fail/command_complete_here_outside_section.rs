// SPDX-License-Identifier: GPL-2.0
// error: E0061 this method takes 2 arguments but 1 argument was supplied

//! A command is completed where error handling cannot wait for the end of it.

use storage::rcu::ReadSide;
use storage::scsi::{
    Command,
    LowLevelDriver,
    Status, //
};

pub fn answered<T: LowLevelDriver>(command: Command<T>, section: ReadSide<'_>) {
    #[cfg(mistake)]
    command.complete_here(Status::GOOD);
    #[cfg(not(mistake))]
    command.complete_here(section, Status::GOOD);
}
