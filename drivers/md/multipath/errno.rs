// SPDX-License-Identifier: GPL-2.0

//! Error numbers, without the kernel's types.

/// An error number as in `uapi/asm-generic/errno.h`: positive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Errno(i32);

impl Errno {
    /// An I/O error.
    pub(crate) const EIO: Self = Self(5);
    /// No memory.
    pub(crate) const ENOMEM: Self = Self(12);
    /// The argument is wrong.
    pub(crate) const EINVAL: Self = Self(22);
    /// No device can be reached just now.
    pub(crate) const ENOTCONN: Self = Self(107);

    /// Any error number; the sign does not matter.
    #[inline]
    pub(crate) const fn from_i32(value: i32) -> Self {
        Self(value.saturating_abs())
    }

    /// The number, positive.
    #[inline]
    pub(crate) const fn as_i32(self) -> i32 {
        self.0
    }
}
