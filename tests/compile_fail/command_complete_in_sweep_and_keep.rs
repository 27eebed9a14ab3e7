// SPDX-License-Identifier: GPL-2.0
// error: E0382 use of moved value: `command`

//! A reset sweep completes a command twice.

#[path = "common/adapter.rs"]
mod adapter;

use adapter::Adapter;
use storage_scsi::{
    HostByte,
    Status, //
};

pub fn sweep(adapter: &Adapter) -> usize {
    adapter.in_flight.sweep(|command| {
        #[cfg(mistake)]
        let _ = command.complete(Status::host(HostByte::Reset));
        command.complete(Status::host(HostByte::Reset))
    })
}
