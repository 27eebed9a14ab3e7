// SPDX-License-Identifier: GPL-2.0

//! SCSI low-level drivers (LLDs).
//!
//! C headers: [`include/scsi/scsi_host.h`](srctree/include/scsi/scsi_host.h),
//! [`include/scsi/scsi_cmnd.h`](srctree/include/scsi/scsi_cmnd.h)
//!
//! An LLD
//!
//! 1. implements [`LowLevelDriver`] for the type that stands for one adapter;
//! 2. puts a [`Template`] of it into a `static`;
//! 3. finds out what its firmware can do and describes that in a [`Discovery`];
//! 4. hands both and the adapter to [`Builder::register`], which consumes the builder: nothing that
//!    sizes the tag set can change afterwards;
//! 5. asks for a scan with [`Host::scan`].
//!
//! A [`Command`] is owned by whoever holds it. It is completed exactly once: [`Command::complete`]
//! consumes it, [`Reserved::post`] moves it into the in-flight table while hardware works on it, and
//! exactly one caller of [`InFlight::land`] or [`InFlight::sweep`] takes it out again. A driver that drops
//! or forgets a command does not compile: every call that gives it one has to return a [`Done`] of it.
//!
//! On its way to hardware a command goes through [`InFlight::reserve`], which claims its place, before
//! anything that hardware reads is written, and [`Reserved::post`], the only way to ring the doorbell.
//!
//! # Error handling
//!
//! The mid-layer retries a command, or ends it, when a step of error handling succeeds. This library prevents
//! that for a command that the driver, and so perhaps the hardware, still has:
//!
//! | the mid-layer | here |
//! | --- | --- |
//! | aborts a command, in a work queue, while other commands come and go | the step fails if the driver still has the command |
//! | resets a unit, a target id, a channel, the host: in the host's own thread, when no other command runs | the same, for each timed-out command in the step's scope |
//! | does so for `sg_reset`, in its caller's task, while commands come and go | the same |
//! | starts a unit (`allow_restart`) and then ends the unit's commands, without a call to the driver | its commands to a unit of which the driver has a timed-out command fail, which leads to a reset |
//! | ends all commands after the last step | the last step does not return while the driver has one |
//! | queues a command that the driver still has, for a reason that is not known here | it is given back as busy; the end of the earlier use is not reported |

use kernel::prelude::*;
use storage::{
    atomic,
    generation, //
};

mod bindings;

mod address;
mod attributes;
mod callbacks;
mod command;
mod device;
mod error_handler;
mod host;
mod in_flight;
mod ownership;
mod rescan;
mod scan_range;
mod status;
mod tag_slot;
mod template;

pub use self::address::Address;
pub use self::attributes::{
    Attribute,
    DeviceAttribute,
    MAX_ATTRIBUTES, //
};
pub use self::command::{
    Command,
    Direction,
    Done,
    Rejected,
    TimedOut, //
};
pub use self::device::Device;
pub use self::host::{
    Builder,
    Discovery,
    Host,
    Limits,
    ProtectionCaps, //
};
pub use self::in_flight::{
    Flight,
    InFlight,
    Reserved, //
};
pub use self::status::{
    HostByte,
    SamStatus,
    Status,
    SENSE_LENGTH, //
};
pub use self::template::{
    Geometry,
    LowLevelDriver,
    Recovery,
    Template,
    TimeoutAction, //
};

module! {
    type: StorageScsi,
    name: "storage_scsi",
    authors: ["The Ironpath developers"],
    description: "Safe abstractions for SCSI low-level drivers in Rust",
    license: "GPL",
}

struct StorageScsi;

impl kernel::Module for StorageScsi {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        // SAFETY: called once, and drivers that use the crate can only be loaded afterwards.
        unsafe { template::init() };
        Ok(Self)
    }
}
