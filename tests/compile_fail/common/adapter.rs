// SPDX-License-Identifier: GPL-2.0

//! The least that a low-level driver is, for the cases that need one.

use kernel::device::{
    Bound,
    Device, //
};
use kernel::prelude::*;
use kernel::str::CStr;
use storage::scsi::{
    Command,
    InFlight,
    LowLevelDriver,
    Rejected, //
};

/// One adapter.
pub struct Adapter {
    /// What its hardware works on.
    pub in_flight: InFlight<Adapter>,
}

#[vtable]
impl LowLevelDriver for Adapter {
    type CommandData = u32;

    const NAME: &'static CStr = c"case";

    fn queue(&self, _dev: &Device<Bound>, command: Command<Self>) -> Result<(), Rejected<Self>> {
        Err(command.reject_host_busy())
    }
}
