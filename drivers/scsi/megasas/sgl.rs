// SPDX-License-Identifier: GPL-2.0

//! Scatter lists: the three formats of a scatter-gather entry, and what a list needs.
//!
//! The list follows the fixed part of a frame without a gap. The frame's header has the number of
//! entries, so no entry is marked as the last one.
//!
//! Source: `megasas_sge32`, `megasas_sge64`, `megasas_sge_skinny` and `megasas_get_frame_count` in
//! `drivers/scsi/megaraid/`.

use super::frame::{
    self,
    Flags, //
};

/// How scatter-gather entries are written. A frame has entries of one format.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Format {
    /// 32-bit address, 32-bit length: 8 bytes.
    Sge32,
    /// 64-bit address, 32-bit length, packed: 12 bytes.
    Sge64,
    /// IEEE 1212: 64-bit address, 32-bit length, 32 bits of flags that stay zero: 16 bytes.
    Ieee,
}

/// Why an entry cannot be written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum SgeError {
    /// The entry has no bytes. The firmware takes that as a broken list.
    Empty,
    /// The entry ends beyond what an address of the format reaches.
    OutOfReach,
}

/// One entry: the words to write, in the device's byte order, as many as [`Format::words`] says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Sge {
    /// Of [`Format::Sge32`].
    Sge32([u32; 2]),
    /// Of [`Format::Sge64`].
    Sge64([u32; 3]),
    /// Of [`Format::Ieee`].
    Ieee([u32; 4]),
}

impl Format {
    /// Words of an entry.
    #[inline]
    pub(crate) const fn words(self) -> usize {
        match self {
            Self::Sge32 => 2,
            Self::Sge64 => 3,
            Self::Ieee => 4,
        }
    }

    /// Bytes of an entry.
    #[inline]
    pub(crate) const fn bytes(self) -> usize {
        self.words().saturating_mul(frame::WORD)
    }

    /// The flags by which a frame says its format.
    #[inline]
    pub(crate) const fn flags(self) -> Flags {
        match self {
            Self::Sge32 => Flags::NONE,
            Self::Sge64 => Flags::SGL64,
            Self::Ieee => Flags::SGL64.or(Flags::IEEE),
        }
    }

    /// The entry for `len` bytes at `addr`.
    ///
    /// # Errors
    ///
    /// - [`SgeError::Empty`] if `len` is zero.
    /// - [`SgeError::OutOfReach`] if the last byte has no address: beyond 4 GiB for
    ///   [`Format::Sge32`], beyond 64 bits for the others.
    #[inline]
    pub(crate) const fn encode(self, addr: u64, len: u32) -> Result<Sge, SgeError> {
        let Some(to_last) = len.checked_sub(1) else {
            return Err(SgeError::Empty);
        };
        let Some(last) = addr.checked_add(to_last as u64) else {
            return Err(SgeError::OutOfReach);
        };
        let (lo, hi) = (frame::low(addr), frame::high(addr));
        let len = len.to_le();
        match self {
            Self::Sge32 if last > u32::MAX as u64 => Err(SgeError::OutOfReach),
            Self::Sge32 => Ok(Sge::Sge32([lo, len])),
            Self::Sge64 => Ok(Sge::Sge64([lo, hi, len])),
            Self::Ieee => Ok(Sge::Ieee([lo, hi, len, 0])),
        }
    }

    /// Bytes of a frame whose fixed part has `header` bytes and whose list has `sges` entries.
    #[inline]
    pub(crate) const fn frame_bytes(self, header: usize, sges: usize) -> usize {
        header.saturating_add(self.bytes().saturating_mul(sges))
    }

    /// How many units of [`frame::UNIT`] bytes the firmware fetches beyond the first, for the low
    /// bits of the queue port. It is told at most [`MAX_EXTRA_UNITS`] and finds the rest itself.
    #[inline]
    pub(crate) const fn extra_units(self, header: usize, sges: usize) -> u8 {
        let extra = self
            .frame_bytes(header, sges)
            .div_ceil(frame::UNIT)
            .saturating_sub(1);
        if extra < MAX_EXTRA_UNITS as usize {
            extra as u8
        } else {
            MAX_EXTRA_UNITS
        }
    }

    /// The distance in bytes between the frames of two commands that each take up to `max_sges`
    /// entries behind the longest fixed part, in whole units.
    ///
    /// This is what a command fills. A device that maps more than that behind every frame needs
    /// room behind the last one.
    #[inline]
    pub(crate) const fn stride(self, max_sges: usize) -> usize {
        self.frame_bytes(frame::MAX_FIXED_BYTES, max_sges)
            .div_ceil(frame::UNIT)
            .saturating_mul(frame::UNIT)
    }
}

/// The largest number of further units that the queue port takes.
pub(crate) const MAX_EXTRA_UNITS: u8 = 7;
