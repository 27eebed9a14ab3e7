// SPDX-License-Identifier: GPL-2.0

//! Unit and property tests of the pure modules.
//!
//! The modules are included from the kernel sources, at the crate paths that they have there.

#![cfg(test)]
// The tests use part of each module's interface; the kernel build says what is dead.
#![allow(dead_code)]

#[path = "../../../rust/scsi/address.rs"]
mod address;
#[path = "../../../rust/storage/atomic.rs"]
mod atomic;
#[path = "../../../rust/dm/status.rs"]
mod dm_status;
#[path = "../../../rust/dm/fit.rs"]
mod fit;
#[path = "../../../rust/storage/generation.rs"]
mod generation;
#[path = "../../../rust/scsi/ownership.rs"]
mod ownership;
#[path = "../../../rust/scsi/scan_range.rs"]
mod scan_range;
#[path = "../../../rust/storage/mailbox/slot.rs"]
mod slot;
#[path = "../../../rust/scsi/tag_slot.rs"]
mod tag_slot;
#[path = "../../../rust/storage/irq/watch_state.rs"]
mod watch_state;

#[path = "../../../drivers/scsi/megasas/cdb.rs"]
mod cdb;
#[path = "../../../drivers/scsi/megasas/dcmd.rs"]
mod dcmd;
#[path = "../../../drivers/scsi/megasas/frame.rs"]
mod frame;
#[path = "../../../drivers/scsi/megasas/handshake.rs"]
mod handshake;
#[path = "../../../drivers/scsi/megasas/model.rs"]
mod model;
#[path = "../../../drivers/scsi/megasas/payload.rs"]
mod payload;
#[path = "../../../drivers/scsi/megasas/reply_ring.rs"]
mod reply_ring;
#[path = "../../../drivers/scsi/megasas/sgl.rs"]
mod sgl;
#[path = "../../../drivers/scsi/megasas/status.rs"]
mod status;

#[path = "../../../drivers/md/multipath"]
mod multipath {
    pub(crate) use crate::atomic;
    pub(crate) use crate::dm_status::BlockStatus;

    pub(crate) mod args;
    pub(crate) mod block_status;
    pub(crate) mod cpumask;
    pub(crate) mod errno;
    pub(crate) mod features;
    pub(crate) mod handler;
    pub(crate) mod held;
    pub(crate) mod map;
    pub(crate) mod memory;
    pub(crate) mod message;
    pub(crate) mod selector;
    pub(crate) mod stats;
    pub(crate) mod status;
    pub(crate) mod table;
    pub(crate) mod tree;
}

mod tests;
