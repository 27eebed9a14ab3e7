// SPDX-License-Identifier: GPL-2.0

//! Whether interrupts can be relied upon, or completions have to be polled for.
//!
//! # States
//!
//! ```text
//!     Watching --(completions pending through two looks, none taken)--> Polling, N interrupts wanted
//!        ^                                                                  |
//!        |  the next look                                                   |  N interrupts have arrived
//!        +----------------------------- Trusted <---------------------------+
//!
//!     Polling for good: there is no interrupt
//! ```
//!
//! Interrupts that were late, because the whole machine stood still for a while, arrive again; those that are
//! lost do not. Each further fallback to polling lasts longer: N starts at [`FIRST`] and doubles, at most
//! [`DOUBLED`] times.

use crate::atomic::{
    AtomicU32,
    Ordering, //
};

/// How many interrupts must arrive after the first fallback to polling.
pub(crate) const FIRST: u32 = 8;

/// How often that number is doubled, at most.
pub(crate) const DOUBLED: u32 = 10;

const WATCHING: u32 = 0;
const TRUSTED: u32 = 1;
const FOR_GOOD: u32 = u32::MAX;

/// What a look has changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Change {
    /// Nothing.
    None,
    /// Interrupts do not arrive: poll from now on.
    FellBack,
    /// They arrive again: watch from now on.
    Recovered,
}

/// The state. Only one look is taken at a time; interrupts may come at any time.
pub(crate) struct WatchState {
    /// One of the constants above, or, while polling, one more than the interrupts that are still wanted. The
    /// look writes it in the states that interrupts leave alone, but for the way into `Polling`.
    left: AtomicU32,
    /// How often it fell back. Only [`Self::look`] uses it.
    fallen: AtomicU32,
    /// Whether the last look saw a completion pending, and how many had been taken before. Only
    /// [`Self::look`] uses these two.
    pending: AtomicU32,
    taken: AtomicU32,
}

impl WatchState {
    /// Watching.
    pub(crate) fn new() -> Self {
        Self {
            left: AtomicU32::new(WATCHING),
            fallen: AtomicU32::new(0),
            pending: AtomicU32::new(0),
            taken: AtomicU32::new(0),
        }
    }

    /// Resets the state before the first look: watching, or polling for good.
    pub(crate) fn start(&self, polling: bool) {
        let state = if polling { FOR_GOOD } else { WATCHING };
        self.left.store(state, Ordering::Relaxed);
        self.fallen.store(0, Ordering::Relaxed);
        self.pending.store(0, Ordering::Relaxed);
    }

    /// Whether completions are polled for. Any context.
    #[inline]
    pub(crate) fn is_polling(&self) -> bool {
        // Relaxed: it says how to look for completions, and orders nothing.
        self.left.load(Ordering::Relaxed) != WATCHING
    }

    /// An interrupt of the device has arrived. Any context.
    #[inline]
    pub(crate) fn interrupt(&self) {
        let left = self.left.load(Ordering::Relaxed);
        if left != WATCHING {
            self.count(left);
        }
    }

    fn count(&self, mut left: u32) {
        while left != WATCHING && left != TRUSTED && left != FOR_GOOD {
            // Relaxed: a number, which nothing else depends on.
            match self
                .left
                .compare_exchange(left, left - 1, Ordering::Relaxed, Ordering::Relaxed)
            {
                Ok(_) => return,
                Err(now) => left = now,
            }
        }
    }

    /// A look: `answered` says, if completions are pending, how many were taken before them. One at a time.
    pub(crate) fn look(&self, answered: Option<u32>) -> Change {
        match self.left.load(Ordering::Relaxed) {
            WATCHING if self.is_stuck(answered) => {
                let fallen = self.fallen.load(Ordering::Relaxed);
                self.fallen
                    .store(fallen.saturating_add(1), Ordering::Relaxed);
                let wanted = FIRST << fallen.min(DOUBLED);
                self.left.store(wanted + TRUSTED, Ordering::Relaxed);
                Change::FellBack
            }
            TRUSTED => {
                self.pending.store(0, Ordering::Relaxed);
                self.left.store(WATCHING, Ordering::Relaxed);
                Change::Recovered
            }
            _ => Change::None,
        }
    }

    /// Whether the completions that the last look saw are still pending.
    fn is_stuck(&self, answered: Option<u32>) -> bool {
        let was_pending = self.pending.load(Ordering::Relaxed) != 0;
        self.pending
            .store(u32::from(answered.is_some()), Ordering::Relaxed);
        answered.is_some_and(|taken| {
            let before = self.taken.load(Ordering::Relaxed);
            self.taken.store(taken, Ordering::Relaxed);
            was_pending && before == taken
        })
    }
}
