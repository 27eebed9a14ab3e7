// SPDX-License-Identifier: GPL-2.0

//! The module of cases that implement a vtable: after Linux 7.2 such an implementation belongs to one.

use kernel::prelude::*;
use kernel::str::CStr;

/// What `module!` makes of a module.
pub struct Case;

impl kernel::ModuleMetadata for Case {
    const NAME: &'static CStr = c"case";
    // SAFETY: never called; a module's own is made in the same way.
    const THIS_MODULE: ThisModule = unsafe { ThisModule::from_ptr(core::ptr::null_mut()) };
}
