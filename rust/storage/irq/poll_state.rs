// SPDX-License-Identifier: GPL-2.0

//! Whether a timer that runs only while there is something to wait for has to be started.
//!
//! # States
//!
//! ```text
//!                  kick: start             begin
//!     Idle ----------------------> Kicked -------> Running
//!      ^                             ^               | | |
//!      |                             +---------------+ | |  kick
//!      +-----------------------------------------------+ |  finish, nothing to wait for
//!                                        Running <-------+  finish, something to wait for
//!
//!     any state: close -> Closed: no start, and a timer that fires does nothing
//! ```
//!
//! Who has made something to wait for kicks afterwards. Either the timer's turn sees it, or the kick
//! comes after the turn has begun, and then the turn does not end in Idle.

use crate::atomic::{
    AtomicU32,
    Ordering, //
};

const CLOSED: u32 = 0;
const IDLE: u32 = 1;
const KICKED: u32 = 2;
const RUNNING: u32 = 3;

/// The state. Every method may be called in any context.
pub(crate) struct PollState(AtomicU32);

impl PollState {
    /// Closed.
    pub(crate) fn new() -> Self {
        Self(AtomicU32::new(CLOSED))
    }

    /// Opens a closed state.
    pub(crate) fn open(&self) {
        self.0.store(IDLE, Ordering::Release);
    }

    /// From now on nothing is started, and turns do nothing. A turn that has begun may still go on, and a
    /// kick that has answered true may still start the timer.
    pub(crate) fn close(&self) {
        self.0.swap(CLOSED, Ordering::AcqRel);
    }

    /// Whether a kick before this one has still to be seen by a turn. Says nothing of what other CPUs have
    /// seen of the caller's stores.
    #[inline]
    pub(crate) fn is_kicked(&self) -> bool {
        self.0.load(Ordering::Relaxed) == KICKED
    }

    /// There is something to wait for. True if the caller has to start the timer.
    pub(crate) fn kick(&self) -> bool {
        let mut seen = self.0.load(Ordering::Relaxed);
        loop {
            if seen == CLOSED {
                return false;
            }
            // Also from `Kicked`: the exchange orders what the caller did before the turn that sees it.
            match self
                .0
                .compare_exchange(seen, KICKED, Ordering::AcqRel, Ordering::Relaxed)
            {
                Ok(_) => return seen == IDLE,
                Err(now) => seen = now,
            }
        }
    }

    /// The timer's turn begins: whether there was a kick since the last. `None` if it must do nothing, and
    /// end.
    pub(crate) fn begin(&self) -> Option<bool> {
        let mut seen = self.0.load(Ordering::Relaxed);
        loop {
            if seen == CLOSED {
                return None;
            }
            match self
                .0
                .compare_exchange(seen, RUNNING, Ordering::AcqRel, Ordering::Relaxed)
            {
                Ok(_) => return Some(seen == KICKED),
                Err(now) => seen = now,
            }
        }
    }

    /// The timer's turn ends; `waiting` if it saw something to wait for. True for another turn.
    pub(crate) fn finish(&self, waiting: bool) -> bool {
        if waiting {
            return self.0.load(Ordering::Relaxed) != CLOSED;
        }
        match self
            .0
            .compare_exchange(RUNNING, IDLE, Ordering::AcqRel, Ordering::Relaxed)
        {
            Ok(_) => false,
            Err(now) => now != CLOSED,
        }
    }
}
