// SPDX-License-Identifier: GPL-2.0

//! Safe abstractions for storage drivers: what the `kernel` crate lacks for SCSI low-level drivers and
//! device-mapper targets.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`scsi`] | hosts, commands, the in-flight table, error handling |
//! | [`dm`] | device-mapper targets |
//! | [`mailbox`] | firmware commands with a waiter |
//! | [`doorbell`] | the right to tell hardware of a command |
//! | [`irq`] | the interrupt ladder |
//! | [`driver`] | attributes of drivers in sysfs |
//! | [`pci`] | PCI drivers: DMA masks, attributes, shutdown, bus mastering |
//! | [`param`] | module parameters that are words |
//! | [`rcu`] | read-side sections, and the wait for their end |
//! | [`dma`] | coherent slots, mapped segments |
//! | [`sync`], [`workqueue`] | a spinlock that keeps interrupts out, work queues of a module's own |
//! | [`system`] | processors and their nodes, the clock |
//!
//! Every `unsafe` block of the project is in this crate.

use kernel::prelude::*;

mod bindings;

pub mod atomic;
pub mod debugfs;
pub mod dm;
pub mod dma;
pub mod doorbell;
pub mod driver;
pub mod generation;
pub mod irq;
pub mod mailbox;
pub mod param;
pub mod pci;
pub mod rcu;
pub mod scsi;
pub mod sync;
mod sysfs;
pub mod system;
pub mod workqueue;

module! {
    type: Storage,
    name: "storage",
    authors: ["The Ironpath developers"],
    description: "Safe abstractions for storage drivers in Rust",
    license: "GPL",
}

struct Storage;

impl kernel::Module for Storage {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        // SAFETY: called once, and drivers that use the crate can only be loaded afterwards.
        unsafe { scsi::init() };
        Ok(Self)
    }
}
