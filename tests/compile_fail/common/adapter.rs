// SPDX-License-Identifier: GPL-2.0

//! The least that a low-level driver is, for the cases that need one.

#[cfg(not(kernel_7_2))]
#[path = "module.rs"]
mod module;

use kernel::device::{
    Bound,
    Device, //
};
use kernel::prelude::*;
use kernel::str::CStr;
use storage_scsi::{
    Command,
    Done,
    InFlight,
    LowLevelDriver,
    Recovery,
    Rejected,
    TimedOut, //
};

/// One adapter.
pub struct Adapter {
    /// What its hardware works on.
    pub in_flight: InFlight<Adapter>,
}

#[vtable]
impl LowLevelDriver for Adapter {
    #[cfg(not(kernel_7_2))]
    type OwnerModule = module::Case;
    type CommandData = u32;

    const NAME: &'static CStr = c"case";

    fn queue<'c>(
        &self,
        _dev: &Device<Bound>,
        command: Command<'c, Self>,
    ) -> Result<Done<'c>, Rejected<'c>> {
        Err(command.reject_host_busy())
    }

    fn in_flight(&self) -> &InFlight<Self> {
        &self.in_flight
    }

    fn reset_host(&self, _dev: &Device<Bound>, _command: &TimedOut<'_, Self>) -> Recovery {
        Recovery::Failed
    }

    fn dma_stopped(&self, _dev: &Device<Bound>) {}
}
