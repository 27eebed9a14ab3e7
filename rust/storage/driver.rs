// SPDX-License-Identifier: GPL-2.0

//! Attributes of a PCI driver in sysfs, under `/sys/bus/pci/drivers/NAME/`.
//!
//! A driver lists them in [`Driver::ATTRIBUTES`](crate::pci::Driver::ATTRIBUTES); they come and go with its
//! registration.
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
//! // In the implementation of `storage::pci::Driver`:
//! const ATTRIBUTES: &'static [driver::File] = &[driver::File::of::<Debug>()];
//! ```

use kernel::bindings;
use kernel::prelude::*;
use kernel::str::{
    as_char_ptr_in_const_context,
    CStr, //
};

/// An attribute of a driver.
#[vtable]
pub trait Attribute: 'static {
    /// The file's name: not `bind`, `unbind`, `new_id`, `remove_id`, `module` or `uevent`, which all have.
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

/// Most attributes that a driver can have.
pub const MAX_ATTRIBUTES: usize = 8;

/// The file of an attribute, for the list of a driver.
///
/// # Invariants
///
/// The pointer is to a constant `struct driver_attribute`, which begins with the attribute.
#[derive(Clone, Copy)]
pub struct File(*const bindings::driver_attribute);

impl File {
    /// That of `A`.
    pub const fn of<A: Attribute>() -> Self {
        // INVARIANT: it is a constant.
        Self(Raw::<A>::ATTRIBUTE)
    }
}

// A pointer to the attribute is one to the whole, which sysfs finds by the former.
const _: () = assert!(core::mem::offset_of!(bindings::driver_attribute, attr) == 0);

struct Raw<A>(core::marker::PhantomData<fn() -> A>);

impl<A: Attribute> Raw<A> {
    const ATTRIBUTE: &'static bindings::driver_attribute = &bindings::driver_attribute {
        attr: {
            let mut attr: bindings::attribute = pin_init::zeroed();
            attr.name = as_char_ptr_in_const_context(A::NAME);
            attr.mode = if A::HAS_STORE { 0o644 } else { 0o444 };
            attr
        },
        show: Some(show::<A>),
        store: if A::HAS_STORE { Some(store::<A>) } else { None },
    };
}

/// A driver that has attributes.
pub(crate) trait HasAttributes {
    /// They, at most [`MAX_ATTRIBUTES`].
    const FILES: &'static [File];
}

/// What C reads of the attributes of `T`; all of it is constant.
pub(crate) struct Groups<T>(core::marker::PhantomData<fn() -> T>);

impl<T: HasAttributes> Groups<T> {
    /// Ends with a null pointer.
    const ATTRIBUTES: &'static [*mut bindings::attribute; MAX_ATTRIBUTES + 1] = {
        assert!(T::FILES.len() <= MAX_ATTRIBUTES, "too many attributes");
        let mut attributes = [core::ptr::null_mut(); MAX_ATTRIBUTES + 1];
        let mut index = 0;
        while index < T::FILES.len() {
            attributes[index] = T::FILES[index].0.cast_mut().cast();
            index += 1;
        }
        &{ attributes }
    };

    const GROUP: &'static bindings::attribute_group = {
        let mut group: bindings::attribute_group = pin_init::zeroed();
        group.__bindgen_anon_2.attrs = Self::ATTRIBUTES.as_ptr().cast_mut();
        &{ group }
    };

    /// For `groups` of a driver that is not registered yet. C reads them only.
    pub(crate) const GROUPS: &'static [*const bindings::attribute_group; 2] =
        &[Self::GROUP, core::ptr::null()];
}

/// # Safety
///
/// Called by sysfs for a file of `A`; `page` is a page that nobody else touches meanwhile.
unsafe extern "C" fn show<A: Attribute>(
    _driver: *mut bindings::device_driver,
    page: *mut c_char,
) -> isize {
    // SAFETY: sysfs passes a page that it has allocated and zeroed for this call.
    unsafe { crate::sysfs::fill(page, A::show) }
}

/// # Safety
///
/// Called by sysfs for a file of `A`; `text` has `count` bytes, which do not change meanwhile.
unsafe extern "C" fn store<A: Attribute>(
    _driver: *mut bindings::device_driver,
    text: *const c_char,
    count: usize,
) -> isize {
    // SAFETY: sysfs passes its own copy of what was written, `count` bytes, and keeps it until this returns.
    // They are initialised, and `c_char` and `u8` have the same layout.
    let bytes = unsafe { core::slice::from_raw_parts(text.cast::<u8>(), count) };
    let taken = core::str::from_utf8(bytes)
        .map_err(|_| EINVAL)
        .and_then(|text| A::store(text.trim_ascii_end()));
    match taken {
        Ok(()) => isize::try_from(count).unwrap_or(isize::MAX),
        Err(error) => error.to_errno() as isize,
    }
}
