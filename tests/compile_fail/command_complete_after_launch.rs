// SPDX-License-Identifier: GPL-2.0
// error: E0382 use of moved value: `command`

//! A command that hardware works on is completed beside it.

#[path = "common/adapter.rs"]
mod adapter;

use adapter::Adapter;
use storage::scsi::{
    Command,
    Status, //
};

pub fn start(adapter: &Adapter, command: Command<Adapter>) {
    if let Err(returned) = adapter.in_flight.launch(command) {
        #[cfg(mistake)]
        command.complete(Status::GOOD);
        #[cfg(not(mistake))]
        returned.complete(Status::GOOD);
    }
}
