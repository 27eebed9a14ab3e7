// SPDX-License-Identifier: GPL-2.0
// error: E0505 cannot move out of `command` because it is borrowed

//! The hardware gets segments that are no longer mapped.

#[path = "common/adapter.rs"]
mod adapter;

use adapter::Adapter;
use kernel::prelude::*;
use storage::dma::Segment;
use storage::scsi::{
    Command,
    Status, //
};

pub fn answer(mut command: Command<Adapter>, write: fn(Segment)) -> Result {
    let segments = command.map_data()?;
    #[cfg(mistake)]
    command.complete(Status::GOOD);
    segments.for_each(write);
    #[cfg(not(mistake))]
    command.complete(Status::GOOD);
    Ok(())
}
