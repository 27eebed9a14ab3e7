// SPDX-License-Identifier: GPL-2.0

//! I/O that a path holds for too long: how it is noticed.

use super::atomic::{
    AtomicU32,
    Ordering, //
};

/// Slices of time that are told apart; a power of two.
const SLICES: u32 = 8;
/// Slices that a deadline has.
const SLICES_PER_DEADLINE: u32 = 4;
/// Slices after which an I/O has certainly missed its deadline, wherever in its slice it was sent.
const OVERDUE: u32 = SLICES_PER_DEADLINE + 1;

const _: () = assert!(SLICES.is_power_of_two() && OVERDUE < SLICES);

/// How long a slice is, in milliseconds, for a deadline of `deadline_msecs`.
pub(crate) const fn slice_msecs(deadline_msecs: u32) -> u32 {
    deadline_msecs.div_ceil(SLICES_PER_DEADLINE)
}

/// Whether another deadline's time begins with `slice`: true once in each.
pub(crate) const fn begins_deadline(slice: u32) -> bool {
    slice % SLICES_PER_DEADLINE == 0
}

/// How much of what is in flight on a path was sent in which slice of time.
///
/// That costs one addition when I/O is sent and one when it ends, and tells by looking at a few
/// counts whether anything is held for longer than the deadline: noticed after at most one and a
/// half deadlines, never before one. I/O that is held for twice as long is counted as new, and
/// noticed again.
pub(crate) struct Watch {
    in_flight: [AtomicU32; SLICES as usize],
}

impl Watch {
    /// Nothing in flight.
    pub(crate) fn new() -> Self {
        Self {
            in_flight: core::array::from_fn(|_| AtomicU32::new(0)),
        }
    }

    #[inline]
    fn count(&self, slice: u32) -> Option<&AtomicU32> {
        self.in_flight.get((slice % SLICES) as usize)
    }

    /// I/O was sent in `slice`.
    #[inline]
    pub(super) fn sent(&self, slice: u32) {
        if let Some(count) = self.count(slice) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// I/O that was sent in `slice` has ended.
    #[inline]
    pub(super) fn ended(&self, slice: u32) {
        if let Some(count) = self.count(slice) {
            count.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Whether the path holds something for longer than the deadline, when `slice` has begun.
    pub(crate) fn is_overdue(&self, slice: u32) -> bool {
        (OVERDUE..SLICES)
            .filter_map(|age| self.count(slice.wrapping_sub(age)))
            .any(|count| count.load(Ordering::Relaxed) != 0)
    }
}
