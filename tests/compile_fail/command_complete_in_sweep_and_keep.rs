// SPDX-License-Identifier: GPL-2.0
// error: E0382 use of moved value: `command`

//! A reset sweep completes commands and also puts them on a list.

#[path = "common/adapter.rs"]
mod adapter;

use adapter::Adapter;
use kernel::prelude::*;
use storage::scsi::{
    Command,
    HostByte,
    Status, //
};

pub fn sweep(adapter: &Adapter, list: &mut KVec<Command<Adapter>>) {
    adapter.in_flight.sweep(|command| {
        #[cfg(mistake)]
        command.complete(Status::host(HostByte::Reset));
        if let Err(_full) = list.push(command, GFP_ATOMIC) {}
    });
    while let Some(command) = list.pop() {
        command.complete(Status::host(HostByte::Reset));
    }
}
