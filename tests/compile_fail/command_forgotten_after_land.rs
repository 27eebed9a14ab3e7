// SPDX-License-Identifier: GPL-2.0
// error: E0308 mismatched types

//! A command is taken out of the table and forgotten.

#[path = "common/adapter.rs"]
mod adapter;

use adapter::Adapter;
use storage::rcu::ReadSide;
use storage_scsi::{
    Flight,
    Status, //
};

pub fn interrupt(adapter: &Adapter, section: ReadSide<'_>, flight: Flight) -> bool {
    #[cfg(mistake)]
    return adapter
        .in_flight
        .land(section, flight, |command| drop(command));
    #[cfg(not(mistake))]
    return adapter
        .in_flight
        .land(section, flight, |command| command.complete(Status::GOOD));
}
