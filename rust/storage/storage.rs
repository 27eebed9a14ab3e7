// SPDX-License-Identifier: GPL-2.0

//! Safe abstractions for storage drivers: what the `kernel` crate lacks and more than one kind of driver needs.
//! What is of one subsystem is in a crate and a module of its own: `storage_scsi`, `storage_dm`.
//!
//! | module | what it is |
//! | --- | --- |
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
//! Every `unsafe` block of the project is in this crate and those of the subsystems. What they need of this one, and
//! drivers must not use, is `unsafe` here, with a contract, or hidden from the documentation.

use kernel::prelude::*;

mod bindings;

pub mod atomic;
#[doc(hidden)]
pub mod compat;
pub mod debugfs;
pub mod dma;
pub mod doorbell;
pub mod driver;
pub mod generation;
pub mod irq;
pub mod mailbox;
pub mod param;
pub mod pci;
pub mod rcu;
pub mod sync;
pub mod sysfs;
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
        Ok(Self)
    }
}
