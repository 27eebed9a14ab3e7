// SPDX-License-Identifier: GPL-2.0
// error: E0599 no method named `set_sense` found

//! Sense data is stored in a command that is posted then: error handling would act on it while hardware has the
//! command.

#[path = "common/adapter.rs"]
mod adapter;

use adapter::Adapter;
use storage::rcu::ReadSide;
use storage_scsi::{
    Command,
    Done,
    HostByte,
    InFlight,
    SamStatus,
    Status, //
};

pub fn queue<'c>(
    table: &InFlight<Adapter>,
    mut command: Command<'c, Adapter>,
    section: ReadSide<'_>,
) -> Done<'c> {
    #[cfg(mistake)]
    command.set_sense(&[0x70, 0, 2]);
    match table.reserve(command) {
        #[cfg(mistake)]
        Ok(reserved) => reserved.post(|_posting| ()),
        #[cfg(not(mistake))]
        Ok(reserved) => {
            let status = Status::sam(SamStatus::CheckCondition);
            reserved
                .cancel()
                .complete_with_sense(section, status, &[0x70, 0, 2])
        }
        Err(command) => command.complete(Status::host(HostByte::Error)),
    }
}
