// SPDX-License-Identifier: GPL-2.0

//! Generations: which use of a slot an answer belongs to.

/// The number of one use of a slot, [`Generation::BITS`] wide.
///
/// A slot counts its uses. What is handed to the firmware carries the count, and an answer is
/// taken only while the slot still has it, so that an answer to an earlier use cannot finish a
/// later one.
///
/// Zero is the generation of a slot that was never used: [`Generation::next`] skips it. A
/// zero-filled word in memory that the device writes therefore never names a command in flight.
///
/// # Invariants
///
/// The value is below `1 << Generation::BITS`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Generation(u32);

impl Generation {
    /// Width in bits.
    pub const BITS: u32 = 20;

    const MASK: u32 = (1 << Self::BITS) - 1;

    /// The generation of a slot that was never used.
    pub const UNUSED: Self = Self(0);

    /// Takes the low [`Generation::BITS`] bits of `value`.
    #[inline]
    pub const fn from_u32(value: u32) -> Self {
        // INVARIANT: masked to the width.
        Self(value & Self::MASK)
    }

    /// The value, below `1 << Generation::BITS`.
    #[inline]
    pub const fn as_u32(self) -> u32 {
        self.0
    }

    /// The generation of the next use. Wraps, and skips [`Generation::UNUSED`].
    #[inline]
    pub const fn next(self) -> Self {
        let value = self.0.wrapping_add(1) & Self::MASK;
        // INVARIANT: masked to the width; zero becomes one.
        Self(value | (value == 0) as u32)
    }
}
