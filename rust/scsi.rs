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
//! consumes it, [`InFlight::launch`] moves it into the in-flight table while hardware works on it, and
//! exactly one caller of [`InFlight::land`] or [`InFlight::sweep`] takes it out again. A command that is
//! dropped is completed with an error.

mod attributes;
mod callbacks;
mod command;
mod device;
mod host;
mod in_flight;
mod rescan;
mod scan_range;
mod status;
mod tag_slot;
mod template;

pub use self::attributes::{
    Attribute,
    DeviceAttribute,
    MAX_ATTRIBUTES, //
};
pub use self::command::{
    Command,
    Direction,
    Rejected,
    TimedOut, //
};
pub use self::device::{
    Address,
    Device, //
};
pub use self::host::{
    Builder,
    Discovery,
    Host,
    Limits,
    ProtectionCaps, //
};
pub use self::in_flight::{
    Flight,
    InFlight, //
};
pub use self::status::{
    HostByte,
    SamStatus,
    Status,
    SENSE_LENGTH, //
};
pub(crate) use self::template::init;
pub use self::template::{
    Geometry,
    LowLevelDriver,
    Recovery,
    Template,
    TimeoutAction, //
};
