// SPDX-License-Identifier: GPL-2.0

//! Which paths of a group may be used, and the only way to get one of them.

use core::marker::PhantomData;

use super::super::atomic::{
    AtomicU32,
    AtomicU64,
    Ordering, //
};

/// Paths that a group may have: the limit of the table's grammar.
pub(crate) const MAX_PATHS: u32 = 1024;

const WORD_BITS: u32 = u64::BITS;
const WORDS: usize = (MAX_PATHS / WORD_BITS) as usize;

/// The usable paths of one group, by their index in the group.
///
/// Only the map's state machine takes a path out and puts it back: the functions that do so are
/// not visible outside of it. A path selector gets a [`Loan`] of a path that is usable, or nothing.
///
/// # Invariants
///
/// No bit at or above the number of paths is ever set.
pub(crate) struct Usable {
    words: [AtomicU64; WORDS],
    count: AtomicU32,
    paths: u32,
}

/// A path of a group, lent while it was usable. A selector cannot make one.
#[must_use]
#[derive(Debug)]
pub(crate) struct Loan<'a> {
    index: u32,
    _group: PhantomData<&'a Usable>,
}

impl Loan<'_> {
    /// The path's index in its group.
    #[inline]
    pub(crate) const fn index(&self) -> u32 {
        self.index
    }
}

/// The word and the bit of a path.
#[inline]
const fn place(index: u32) -> (usize, u64) {
    ((index / WORD_BITS) as usize, 1 << (index % WORD_BITS))
}

impl Usable {
    /// A group of `paths` paths, [`MAX_PATHS`] at most, all of which are usable.
    pub(super) fn new(paths: u32) -> Self {
        let paths = paths.min(MAX_PATHS);
        // INVARIANT: a word has as many bits as there are paths left for it.
        let words = core::array::from_fn(|word| {
            let first = (word as u32).saturating_mul(WORD_BITS);
            AtomicU64::new(match paths.saturating_sub(first) {
                0 => 0,
                left if left < WORD_BITS => (1 << left) - 1,
                _ => u64::MAX,
            })
        });
        Self {
            words,
            count: AtomicU32::new(paths),
            paths,
        }
    }

    /// Takes a path out of use. False if it was out of use already.
    ///
    /// From then on the path is not lent. To be called under the map's lock.
    pub(super) fn fail(&self, index: u32) -> bool {
        let (word, bit) = place(index);
        let Some(word) = self.words.get(word) else {
            return false;
        };
        let failed = word.fetch_and(!bit, Ordering::AcqRel) & bit != 0;
        if failed {
            self.count.fetch_sub(1, Ordering::AcqRel);
        }
        failed
    }

    /// Puts a path back into use. False if it was in use already, or there is no such path. To be
    /// called under the map's lock.
    pub(super) fn reinstate(&self, index: u32) -> bool {
        if index >= self.paths {
            return false;
        }
        let (word, bit) = place(index);
        let Some(word) = self.words.get(word) else {
            return false;
        };
        // INVARIANT: the index was checked.
        let reinstated = word.fetch_or(bit, Ordering::AcqRel) & bit == 0;
        if reinstated {
            self.count.fetch_add(1, Ordering::AcqRel);
        }
        reinstated
    }

    /// Lends a path; [`None`] if it is out of use.
    #[inline]
    pub(crate) fn lend(&self, index: u32) -> Option<Loan<'_>> {
        self.is_usable(index).then(|| self.loan(index))
    }

    /// Whether a path is usable just now.
    #[inline]
    pub(crate) fn is_usable(&self, index: u32) -> bool {
        let (word, bit) = place(index);
        self.words
            .get(word)
            .is_some_and(|word| word.load(Ordering::Acquire) & bit != 0)
    }

    /// The number of usable paths.
    #[inline]
    pub(crate) fn count(&self) -> u32 {
        self.count.load(Ordering::Acquire)
    }

    /// The number of paths, usable or not.
    #[inline]
    pub(crate) const fn paths(&self) -> u32 {
        self.paths
    }

    /// Lends the first usable path after `last`, in a circle; `last` itself if it is the only one.
    #[inline]
    pub(crate) fn next_after(&self, last: u32) -> Option<Loan<'_>> {
        let from = last.wrapping_add(1);
        if self.paths > WORD_BITS {
            return self.next_of_many(from).map(|index| self.loan(index));
        }
        // One word is all there is.
        let bits = self.words.first()?.load(Ordering::Acquire);
        let above = match u64::MAX.checked_shl(from) {
            Some(mask) if bits & mask != 0 => bits & mask,
            _ => bits,
        };
        (above != 0).then(|| self.loan(above.trailing_zeros()))
    }

    /// The loan of a path that was seen to be usable.
    #[inline]
    const fn loan(&self, index: u32) -> Loan<'_> {
        Loan {
            index,
            _group: PhantomData,
        }
    }

    #[inline(never)]
    fn next_of_many(&self, from: u32) -> Option<u32> {
        self.first_from(from).or_else(|| self.first_from(0))
    }

    /// The first usable path at or above `from`.
    fn first_from(&self, from: u32) -> Option<u32> {
        if from >= self.paths {
            return None;
        }
        let (start, bit) = place(from);
        // The bits at and above `from`.
        let mut mask = bit.wrapping_neg();
        let used = self.paths.div_ceil(WORD_BITS) as usize;
        for (number, word) in self.words.iter().enumerate().take(used).skip(start) {
            let bits = word.load(Ordering::Acquire) & mask;
            if bits != 0 {
                let first = (number as u32).saturating_mul(WORD_BITS);
                return Some(first.saturating_add(bits.trailing_zeros()));
            }
            mask = u64::MAX;
        }
        None
    }

    /// The usable paths, in ascending order, each as it is at its turn.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        let mut from = 0;
        core::iter::from_fn(move || {
            let index = self.first_from(from)?;
            from = index.saturating_add(1);
            Some(index)
        })
    }
}
