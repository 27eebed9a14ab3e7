// SPDX-License-Identifier: GPL-2.0
// error: E0599 no method named `complete` found

//! A LUN reset completes the command that it was called for, while the interrupt may be doing so.

#[path = "common/adapter.rs"]
mod adapter;

use adapter::Adapter;
use storage::scsi::{
    HostByte,
    Recovery,
    Status,
    TimedOut, //
};

pub fn reset_device(adapter: &Adapter, timed_out: &TimedOut<'_, Adapter>) -> Recovery {
    let flight = adapter.in_flight.flight(timed_out.tag());
    #[cfg(mistake)]
    let landed = flight.map(|_| timed_out);
    #[cfg(not(mistake))]
    let landed = flight.and_then(|flight| adapter.in_flight.land(flight));
    if let Some(command) = landed {
        command.complete(Status::host(HostByte::Reset));
    }
    Recovery::Success
}
