// SPDX-License-Identifier: GPL-2.0
// error: E0080 evaluation of `storage_scsi::Template::<Adapter>::new

//! A driver that reads the list of its targets again, but does not say what is in it: the scan would remove
//! nothing, and scan everything.

#[cfg(not(kernel_7_2))]
#[path = "common/module.rs"]
mod module;

use kernel::device::{
    Bound,
    Device, //
};
use kernel::prelude::*;
use kernel::str::CStr;
use storage_scsi::{
    Address,
    Command,
    Done,
    InFlight,
    LowLevelDriver,
    Recovery,
    Rejected,
    Template,
    TimedOut, //
};

struct Adapter {
    in_flight: InFlight<Adapter>,
}

#[vtable]
impl LowLevelDriver for Adapter {
    #[cfg(not(kernel_7_2))]
    type OwnerModule = module::Case;
    type CommandData = ();

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

    fn rescan(&self, _dev: &Device<Bound>) -> Result {
        Ok(())
    }

    #[cfg(not(mistake))]
    fn is_present(&self, _at: Address) -> bool {
        true
    }
}

// SAFETY: never called; a module's own is made in the same way.
static THIS_MODULE: ThisModule = unsafe { ThisModule::from_ptr(core::ptr::null_mut()) };

static TEMPLATE: Template<Adapter> = Template::new(&THIS_MODULE);
