// SPDX-License-Identifier: GPL-2.0

//! `round-robin`: every usable path in turn.
//!
//! As in `drivers/md/dm-ps-round-robin.c`, but that a reinstated path takes its own place in the
//! round, in table order, where the C selector puts it first: a path that comes and goes does not
//! keep the others waiting.

use super::super::atomic::{
    AtomicU32,
    Ordering, //
};
use super::super::map::{
    Loan,
    Usable, //
};

/// How often a path is looked for while other CPUs take theirs, until any is taken.
const MAX_TRIES: u32 = 4;

/// Whose turn it was.
pub(crate) struct RoundRobin {
    last: AtomicU32,
}

impl RoundRobin {
    /// The first path is the next one.
    pub(crate) fn new() -> Self {
        Self {
            last: AtomicU32::new(u32::MAX),
        }
    }

    /// The next usable path.
    #[inline]
    pub(crate) fn pick<'a>(&self, usable: &'a Usable) -> Option<Loan<'a>> {
        let last = self.last.load(Ordering::Relaxed);
        let next = usable.next_after(last)?;
        if self.advance(last, &next).is_ok() {
            return Some(next);
        }
        self.pick_again(usable)
    }

    /// The next usable path of those that are accepted.
    pub(crate) fn pick_among<'a>(
        &self,
        usable: &'a Usable,
        accepts: impl Fn(u32) -> bool,
    ) -> Option<Loan<'a>> {
        let last = self.last.load(Ordering::Relaxed);
        let paths = usable.iter().filter(|index| accepts(*index));
        // Those after the last one first, then from the start.
        let next = paths.min_by_key(|index| index.wrapping_sub(last).wrapping_sub(1))?;
        let next = usable.lend(next)?;
        // If another CPU has taken its turn meanwhile, that counts.
        let _ = self.advance(last, &next);
        Some(next)
    }

    #[inline]
    fn advance(&self, last: u32, next: &Loan<'_>) -> Result<u32, u32> {
        let next = next.index();
        self.last
            .compare_exchange(last, next, Ordering::Relaxed, Ordering::Relaxed)
    }

    /// The next usable path, while other CPUs take theirs.
    #[cold]
    fn pick_again<'a>(&self, usable: &'a Usable) -> Option<Loan<'a>> {
        let mut last = self.last.load(Ordering::Relaxed);
        for _ in 0..MAX_TRIES {
            let next = usable.next_after(last)?;
            match self.advance(last, &next) {
                Ok(_) => return Some(next),
                Err(now) => last = now,
            }
        }
        usable.iter().find_map(|index| usable.lend(index))
    }
}
