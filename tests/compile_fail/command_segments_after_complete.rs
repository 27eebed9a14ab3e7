// SPDX-License-Identifier: GPL-2.0
// error: E0505 cannot move out of `command` because it is borrowed

//! The hardware gets segments that are no longer mapped.

#[path = "common/adapter.rs"]
mod adapter;

use adapter::Adapter;
use storage::dma::Segment;
use storage_scsi::{
    Command,
    Done,
    Rejected,
    Status, //
};

pub fn answer<'c>(
    mut command: Command<'c, Adapter>,
    write: fn(Segment),
) -> Result<Done<'c>, Rejected<'c>> {
    let Ok(segments) = command.map_data() else {
        return Err(command.reject_host_busy());
    };
    #[cfg(mistake)]
    let done = command.complete(Status::GOOD);
    segments.for_each(write);
    #[cfg(not(mistake))]
    let done = command.complete(Status::GOOD);
    Ok(done)
}
