// SPDX-License-Identifier: GPL-2.0

//! Generations: which use of a slot an answer belongs to.

use core::marker::PhantomData;

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

/// The state word of a slot, which changes as a whole: the generation above, a state `S` below it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SlotWord<S>(pub u32, PhantomData<S>);

/// Width of the state in bits.
const STATE_BITS: u32 = 3;
const STATE_MASK: u32 = (1 << STATE_BITS) - 1;

const _: () = assert!(STATE_BITS + Generation::BITS <= u32::BITS);

impl<S: Into<u32>> SlotWord<S> {
    /// The word of a slot in a state; states are numbered from zero, and are eight at most.
    #[inline]
    pub fn new(generation: Generation, state: S) -> Self {
        Self::from_u32((generation.as_u32() << STATE_BITS) | (state.into() & STATE_MASK))
    }

    /// A word as it was read.
    #[inline]
    pub const fn from_u32(word: u32) -> Self {
        Self(word, PhantomData)
    }

    /// Its generation.
    #[inline]
    pub const fn generation(&self) -> Generation {
        Generation::from_u32(self.0 >> STATE_BITS)
    }

    /// Whether the slot is in this state.
    #[inline]
    pub fn is(&self, state: S) -> bool {
        self.0 & STATE_MASK == state.into()
    }
}
