// SPDX-License-Identifier: GPL-2.0

//! What the attributes of every kind share: the page that a file's text goes into.
//!
//! C header: [`include/linux/sysfs.h`](srctree/include/linux/sysfs.h)

use kernel::fmt;
use kernel::page::PAGE_SIZE;
use kernel::prelude::*;
use kernel::str::Formatter;

/// Lets `write` fill the page of a `show` callback, and returns what the callback does.
///
/// # Safety
///
/// `page` has a page of initialised room, which nobody else touches during the call.
pub unsafe fn fill(
    page: *mut c_char,
    write: impl FnOnce(&mut dyn fmt::Write) -> fmt::Result,
) -> isize {
    // SAFETY: the caller guarantees that the page is initialised, and this call's alone; `c_char` and `u8` have
    // the same layout.
    let page = unsafe { core::slice::from_raw_parts_mut(page.cast::<u8>(), PAGE_SIZE) };
    let mut writer = Formatter::new(page);
    if write(&mut writer).is_err() {
        return ENOSPC.to_errno() as isize;
    }
    isize::try_from(writer.bytes_written().min(PAGE_SIZE)).unwrap_or(0)
}
