// SPDX-License-Identifier: GPL-2.0
// error: E0382 use of moved value: `reserved`

//! A command that hardware works on is completed beside it.

#[path = "common/adapter.rs"]
mod adapter;

use adapter::Adapter;
use storage::doorbell::Posting;
use storage_scsi::{
    Done,
    Reserved,
    Status, //
};

pub fn start<'c>(reserved: Reserved<'c, '_, Adapter>, ring: fn(Posting<'_>)) -> Done<'c> {
    let done = reserved.post(ring);
    #[cfg(mistake)]
    let done = reserved.cancel().complete(Status::GOOD);
    done
}
