// SPDX-License-Identifier: GPL-2.0
// error: E0080 evaluation of `storage::scsi::Template::<Adapter>::new

//! A driver that reads the list of its targets again, but does not say what is in it: the scan would remove
//! nothing, and scan everything.

use kernel::device::{
    Bound,
    Device, //
};
use kernel::prelude::*;
use kernel::str::CStr;
use storage::scsi::{
    Address,
    Command,
    LowLevelDriver,
    Rejected,
    Template, //
};

struct Adapter;

#[vtable]
impl LowLevelDriver for Adapter {
    type CommandData = ();

    const NAME: &'static CStr = c"case";

    fn queue(&self, _dev: &Device<Bound>, command: Command<Self>) -> Result<(), Rejected<Self>> {
        Err(command.reject_host_busy())
    }

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
