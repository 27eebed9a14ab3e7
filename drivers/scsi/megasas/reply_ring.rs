// SPDX-License-Identifier: GPL-2.0

//! The reply ring: which commands the firmware has finished.
//!
//! The firmware writes the context of each finished command into the next entry and then moves the
//! producer index. Both are input from a device: the index is checked against the size of the
//! ring, the context against the slot that it names.
//!
//! Source: `megasas_complete_cmd_dpc` in `drivers/scsi/megaraid/megaraid_sas_base.c`.

use crate::generation::Generation;

/// The number of entries between `consumer` and `producer` in a ring of `entries`.
///
/// [`None`] if one of the indices is not an index of the ring: the firmware is broken and nothing
/// in the ring can be believed.
#[inline]
pub(crate) const fn pending(consumer: u32, producer: u32, entries: u32) -> Option<u32> {
    if producer >= entries || consumer >= entries {
        return None;
    }
    if producer >= consumer {
        producer.checked_sub(consumer)
    } else {
        // Not below zero: `consumer` is below `entries`.
        producer.checked_add(entries.wrapping_sub(consumer))
    }
}

/// The index after `index` in a ring of `entries`; an index outside becomes zero.
#[inline]
pub(crate) const fn next(index: u32, entries: u32) -> u32 {
    match index.checked_add(1) {
        Some(next) if next < entries => next,
        _ => 0,
    }
}

/// What the driver writes into a frame and the firmware returns in the reply ring: the number of
/// a command slot in the low [`Context::INDEX_BITS`] bits, its generation above.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Context(u32);

impl Context {
    /// Width of the number of a command slot.
    pub(crate) const INDEX_BITS: u32 = u32::BITS - Generation::BITS;

    /// Slot numbers are below this.
    pub(crate) const MAX_INDEX: u32 = 1 << Self::INDEX_BITS;

    /// The context of slot `index` in its use `generation`; [`None`] if the number does not fit.
    #[inline]
    pub(crate) const fn new(index: u32, generation: Generation) -> Option<Self> {
        if index < Self::MAX_INDEX {
            Some(Self((generation.as_u32() << Self::INDEX_BITS) | index))
        } else {
            None
        }
    }

    /// A context as the device returned it; any value is one.
    #[inline]
    pub(crate) const fn from_u32(value: u32) -> Self {
        Self(value)
    }

    /// The value for a frame, in the CPU's byte order.
    #[inline]
    pub(crate) const fn as_u32(self) -> u32 {
        self.0
    }

    /// The number of the command slot, below [`Context::MAX_INDEX`]. Whether there is a slot of
    /// this number is the caller's to check.
    #[inline]
    pub(crate) const fn index(self) -> u32 {
        self.0 & (Self::MAX_INDEX - 1)
    }

    /// The use of the slot that was answered.
    #[inline]
    pub(crate) const fn generation(self) -> Generation {
        Generation::from_u32(self.0 >> Self::INDEX_BITS)
    }

    /// Slot number and generation.
    #[inline]
    pub(crate) const fn split(self) -> (u32, Generation) {
        (self.index(), self.generation())
    }
}
