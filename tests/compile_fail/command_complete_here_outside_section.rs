// SPDX-License-Identifier: GPL-2.0
// error: E0061 this method takes 2 arguments but 1 argument was supplied

//! A command is completed where error handling cannot wait for the end of it.

use storage::rcu::ReadSide;
use storage_scsi::{
    Command,
    Done,
    LowLevelDriver,
    Status, //
};

pub fn answered<'c, T: LowLevelDriver>(command: Command<'c, T>, section: ReadSide<'_>) -> Done<'c> {
    #[cfg(mistake)]
    return command.complete_here(Status::GOOD);
    #[cfg(not(mistake))]
    return command.complete_here(section, Status::GOOD);
}
