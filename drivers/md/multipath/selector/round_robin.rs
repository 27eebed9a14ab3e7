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

/// How often a path is looked for while other CPUs take theirs, until it is taken anyway.
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
        let mut last = self.last.load(Ordering::Relaxed);
        let mut next = usable.next_after(last)?;
        for _ in 0..MAX_TRIES {
            match self
                .last
                .compare_exchange(last, next, Ordering::Relaxed, Ordering::Relaxed)
            {
                Ok(_) => break,
                Err(now) => last = now,
            }
            next = usable.next_after(last)?;
        }
        match usable.lend(next) {
            Some(loan) => Some(loan),
            // It failed this moment.
            None => usable.next_after(next).and_then(|next| usable.lend(next)),
        }
    }
}
