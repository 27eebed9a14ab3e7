// SPDX-License-Identifier: GPL-2.0

//! Attributes of a PCI driver in sysfs, under `/sys/bus/pci/drivers/NAME/`.
//!
//! C header: [`include/linux/device/driver.h`](srctree/include/linux/device/driver.h)
//!
//! # Examples
//!
//! ```ignore
//! struct Debug;
//! #[vtable]
//! impl driver::Attribute for Debug {
//!     const NAME: &'static CStr = c"dbg_lvl";
//!     fn show(out: &mut dyn fmt::Write) -> fmt::Result { writeln!(out, "{}", LEVEL.load(Relaxed)) }
//!     fn store(text: &str) -> Result { LEVEL.store(text.parse().map_err(|_| EINVAL)?, Relaxed); Ok(()) }
//! }
//! let file = driver::File::<Debug>::new(c"rmegasas", &THIS_MODULE)?;
//! ```

use core::marker::PhantomData;
use core::ptr::NonNull;
use kernel::bindings;
use kernel::error::to_result;
use kernel::prelude::*;
use kernel::str::{
    as_char_ptr_in_const_context,
    CStr, //
};

/// An attribute of a driver.
#[vtable]
pub trait Attribute: 'static {
    /// The file's name.
    const NAME: &'static CStr;

    /// Writes the value, with a newline. May sleep.
    ///
    /// # Errors
    ///
    /// If it does not fit a page.
    fn show(out: &mut dyn kernel::fmt::Write) -> kernel::fmt::Result;

    /// Takes a value that user space wrote, without its newline. May sleep. A type without this method
    /// makes a file that cannot be written.
    ///
    /// # Errors
    ///
    /// What the writer is to get; nothing has changed then.
    fn store(_text: &str) -> Result {
        build_error!(kernel::error::VTABLE_DEFAULT_ERROR)
    }
}

/// The file of an attribute. Dropping it removes the file and waits for its readers and writers.
///
/// It may outlive the driver's registration, which removes the file as well.
///
/// # Invariants
///
/// The module `module` has registered a driver `name`, and given it the file. Only that module can end the
/// registration.
pub struct File<A: Attribute> {
    name: &'static CStr,
    module: &'static ThisModule,
    _attribute: PhantomData<fn() -> A>,
}

// SAFETY: the driver model locks for itself.
unsafe impl<A: Attribute> Send for File<A> {}
// SAFETY: as above.
unsafe impl<A: Attribute> Sync for File<A> {}

impl<A: Attribute> File<A> {
    /// What C reads; it never writes to it, so it may be a constant.
    const RAW: &'static Raw = &Raw(bindings::driver_attribute {
        attr: {
            let mut attr: bindings::attribute = pin_init::zeroed();
            attr.name = as_char_ptr_in_const_context(A::NAME);
            attr.mode = if A::HAS_STORE { 0o644 } else { 0o444 };
            attr
        },
        show: Some(show::<A>),
        store: if A::HAS_STORE { Some(store::<A>) } else { None },
    });

    /// Makes the file for the PCI driver `name` of a module. May sleep.
    ///
    /// # Errors
    ///
    /// - `ENODEV` if the module has no PCI driver of this name.
    /// - `EEXIST` if the file is there.
    /// - `ENOMEM` if there is no memory.
    pub fn new(name: &'static CStr, module: &'static ThisModule) -> Result<Self> {
        let driver = find(name, module).ok_or(ENODEV)?;
        // SAFETY: the driver is registered, and its module, which is asking, is not just ending that.
        to_result(unsafe { bindings::driver_create_file(driver.as_ptr(), &Self::RAW.0) })?;
        // INVARIANT: just made.
        Ok(Self {
            name,
            module,
            _attribute: PhantomData,
        })
    }
}

/// The registered PCI driver of this name, if it is the module's. May sleep.
fn find(name: &'static CStr, module: &ThisModule) -> Option<NonNull<bindings::device_driver>> {
    struct Wanted<'a> {
        name: &'a CStr,
        owner: *mut bindings::module,
        found: *mut bindings::device_driver,
    }

    /// # Safety
    ///
    /// Called for a registered driver, which stays that while this runs, with a `Wanted`.
    unsafe extern "C" fn look_at(
        driver: *mut bindings::device_driver,
        wanted: *mut c_void,
    ) -> c_int {
        // SAFETY: by this function's contract.
        let wanted = unsafe { &mut *wanted.cast::<Wanted<'_>>() };
        // SAFETY: by this function's contract; a driver has a name.
        let (owner, name) = unsafe { ((*driver).owner, CStr::from_char_ptr((*driver).name)) };
        let is_wanted = owner == wanted.owner && name == wanted.name;
        if is_wanted {
            wanted.found = driver;
        }
        c_int::from(is_wanted)
    }

    let mut wanted = Wanted {
        name,
        owner: module.as_ptr(),
        found: core::ptr::null_mut(),
    };
    // SAFETY: the bus is static, the callback gets its own data; drivers are not unregistered while it looks
    // at them.
    unsafe {
        bindings::bus_for_each_drv(
            &raw const bindings::pci_bus_type,
            core::ptr::null_mut(),
            (&raw mut wanted).cast(),
            Some(look_at),
        )
    };
    NonNull::new(wanted.found)
}

impl<A: Attribute> Drop for File<A> {
    /// Sleeps while the file is being read or written.
    fn drop(&mut self) {
        if let Some(driver) = find(self.name, self.module) {
            // SAFETY: registered, as it was found, by the module that is dropping this.
            unsafe { bindings::driver_remove_file(driver.as_ptr(), &Self::RAW.0) };
        }
    }
}

struct Raw(bindings::driver_attribute);

// SAFETY: nobody writes to it.
unsafe impl Sync for Raw {}

/// # Safety
///
/// Called by sysfs; `page` has a page of room.
unsafe extern "C" fn show<A: Attribute>(
    _driver: *mut bindings::device_driver,
    page: *mut c_char,
) -> isize {
    // SAFETY: by this function's contract.
    unsafe { crate::sysfs::fill(page, A::show) }
}

/// # Safety
///
/// Called by sysfs; `text` has `count` bytes.
unsafe extern "C" fn store<A: Attribute>(
    _driver: *mut bindings::device_driver,
    text: *const c_char,
    count: usize,
) -> isize {
    // SAFETY: by this function's contract; `c_char` and `u8` have the same layout.
    let bytes = unsafe { core::slice::from_raw_parts(text.cast::<u8>(), count) };
    let taken = core::str::from_utf8(bytes)
        .map_err(|_| EINVAL)
        .and_then(|text| A::store(text.trim_ascii_end()));
    match taken {
        Ok(()) => isize::try_from(count).unwrap_or(isize::MAX),
        Err(error) => error.to_errno() as isize,
    }
}
