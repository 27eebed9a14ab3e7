// SPDX-License-Identifier: GPL-2.0

//! Safe abstractions for storage drivers: what the `kernel` crate lacks for SCSI low-level drivers.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`scsi`] | hosts, commands, the in-flight table, error handling |
//! | [`mailbox`] | firmware commands with a waiter |
//! | [`irq`] | the interrupt ladder |
//! | [`driver`] | attributes of drivers in sysfs |
//! | [`pci`] | shutdown and bus mastering of PCI devices |
//! | [`param`] | module parameters that are words |
//! | [`rcu`] | read-side sections, and the wait for their end |
//! | [`dma`] | address masks, coherent slots, mapped segments |
//!
//! Every `unsafe` block of the project is in this crate.

use kernel::prelude::*;

mod bindings;

pub mod atomic;
pub mod dma;
pub mod driver;
pub mod generation;
pub mod irq;
pub mod mailbox;
pub mod param;
pub mod pci;
pub mod rcu;
pub mod scsi;

module! {
    type: Storage,
    name: "storage",
    authors: ["The Ironpath developers"],
    description: "Safe abstractions for SCSI low-level drivers in Rust",
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
