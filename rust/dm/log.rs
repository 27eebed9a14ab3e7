// SPDX-License-Identifier: GPL-2.0

//! Lines for the kernel log with the prefix that device-mapper targets have.

use kernel::fmt;
use kernel::print::{
    call_printk,
    format_strings, //
};

/// Lines of a target that is registered as `multipath`.
const PREFIX: &[u8] = b"device-mapper: multipath\0";

/// Prints a warning. Any context. Use [`dm_warn!`](crate::dm_warn).
#[doc(hidden)]
pub fn warn(args: fmt::Arguments<'_>) {
    // SAFETY: `call_printk` wants a format string of `format_strings` and a module name that ends with a zero
    // byte: a constant of each.
    unsafe { call_printk(&format_strings::WARNING, PREFIX, args) };
}

/// Prints an error. Any context. Use [`dm_err!`](crate::dm_err).
#[doc(hidden)]
pub fn err(args: fmt::Arguments<'_>) {
    // SAFETY: as for `warn`: a constant of each.
    unsafe { call_printk(&format_strings::ERR, PREFIX, args) };
}

/// Prints a warning with the target's prefix; the line ends with `\n`.
#[macro_export]
macro_rules! dm_warn {
    ($($arg:tt)*) => { $crate::log::warn(::core::format_args!($($arg)*)) };
}

/// Prints an error with the target's prefix; the line ends with `\n`.
#[macro_export]
macro_rules! dm_err {
    ($($arg:tt)*) => { $crate::log::err(::core::format_args!($($arg)*)) };
}
