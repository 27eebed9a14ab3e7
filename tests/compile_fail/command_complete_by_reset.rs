// SPDX-License-Identifier: GPL-2.0
// error: E0599 no method named `complete` found

//! A LUN reset completes the command that it was called for, while the interrupt may be doing so.

#[path = "common/adapter.rs"]
mod adapter;

use adapter::Adapter;
use storage::rcu::ReadSide;
use storage_scsi::{
    HostByte,
    Recovery,
    Status,
    TimedOut, //
};

pub fn reset_device(
    adapter: &Adapter,
    section: ReadSide<'_>,
    timed_out: &TimedOut<'_, Adapter>,
) -> Recovery {
    if let Some(flight) = adapter.in_flight.flight(timed_out.tag()) {
        #[cfg(mistake)]
        timed_out.complete(Status::host(HostByte::Reset));
        #[cfg(not(mistake))]
        adapter.in_flight.land(section, flight, |command| {
            command.complete(Status::host(HostByte::Reset))
        });
    }
    Recovery::Success
}
