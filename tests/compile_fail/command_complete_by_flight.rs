// SPDX-License-Identifier: GPL-2.0
// error: E0599 no method named `complete` found

//! Who knows a command's number completes it, without asking whether another already has.

#[path = "common/adapter.rs"]
mod adapter;

use adapter::Adapter;
use storage::rcu::ReadSide;
use storage_scsi::{
    Flight,
    Status, //
};

pub fn interrupt(adapter: &Adapter, section: ReadSide<'_>, flight: Flight) {
    #[cfg(mistake)]
    flight.complete(Status::GOOD);
    #[cfg(not(mistake))]
    adapter
        .in_flight
        .land(section, flight, |command| command.complete(Status::GOOD));
}
