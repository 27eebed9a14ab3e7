// SPDX-License-Identifier: GPL-2.0

//! Who owns a command: the mid-layer, the driver, or error handling together with the driver.
//!
//! # States
//!
//! ```text
//!             begin                end
//!   Idle ----------> Outstanding ------> Idle      the mid-layer is told
//!    ^                |       ^
//!    |       time_out |       | extend
//!    |                v       |            end
//!    |               TimedOut -----------------+
//!    |                |                        v
//!    |       escalate |              end
//!    |                v         +------------> Late ----> (as Idle)
//!    |               Escalated -+
//! ```
//!
//! The block layer's timeout takes the right to end the command away from the driver: between `time_out`
//! and the verdict of the driver (`extend` or `escalate`) and, for good, after `escalate`, the end of the
//! driver's ownership is recorded as `Late`, and `scsi_done` is not called. It would do nothing at that time,
//! but a call that is delayed until error handling has retried the command would end the retry.
//!
//! There is one window: `end` sees `Outstanding`, and calls `scsi_done` after the timeout has come. Both
//! are inside one read-side section of RCU. Error handling waits for the end of the sections that were
//! open at the timeout, see [`Ownership::time_out`]; sections that begin later see that state.
//!
//! A command that is not free cannot be begun, whatever the mid-layer does: see [`Ownership::begin`].

use crate::atomic::{
    AtomicU32,
    Ordering, //
};

/// Nobody but the mid-layer has it. All zeros, as in a command that was never initialised.
const IDLE: u32 = 0;
/// The driver ended it when it was error handling's already, or is about to be.
const LATE: u32 = 1;
/// The driver has it. All states from here on are so.
const OUTSTANDING: u32 = 2;
/// The driver has it, and is asked what is to be done at its timeout.
const TIMED_OUT: u32 = 3;
/// The driver has it, and error handling too.
const ESCALATED: u32 = 4;

/// What the end of the driver's ownership means.
#[must_use]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    /// The mid-layer is to be told, in the same read-side section.
    Report,
    /// The mid-layer is not to be told: the timeout or error handling has the command.
    Silent,
}

/// What the driver's verdict on a timeout has led to.
#[must_use]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// The command stays the driver's, as before.
    Outstanding,
    /// Error handling has it, and the driver still does.
    Escalated,
    /// The driver ended it meanwhile, and the mid-layer was not told: tell it now.
    Late,
    /// The driver ended it just before the timeout, and tells the mid-layer.
    Idle,
}

/// Who has a command.
///
/// Every method may be called in any context: none sleeps, none waits for another thread.
///
/// # Invariants
///
/// Between a `begin` that returned true and the `end` or `reject` of the driver, the state is at least
/// `OUTSTANDING`, and no other `begin` returns true.
pub(crate) struct Ownership(AtomicU32);

impl Ownership {
    /// A command that the mid-layer has.
    pub(crate) fn new() -> Self {
        Self(AtomicU32::new(IDLE))
    }

    /// The mid-layer gives the command to the driver; false if the driver has it already. Then the end of
    /// that earlier use is not reported to the mid-layer any more, which has begun another.
    #[inline]
    pub(crate) fn begin(&self) -> bool {
        // Acquire: what the last owner did to the command comes before what the next one does.
        if self.0.load(Ordering::Acquire) >= OUTSTANDING {
            self.disown();
            return false;
        }
        // INVARIANT: only the mid-layer's one submitter of the command moves it on from here.
        self.0.store(OUTSTANDING, Ordering::Relaxed);
        true
    }

    #[cold]
    fn disown(&self) {
        // Fails where the use was escalated before, or has just ended.
        let _ = self.exchange(OUTSTANDING, ESCALATED);
    }

    /// The driver ends its ownership, in a read-side section that lasts until it has told the mid-layer.
    ///
    /// `write` puts the command's status where the mid-layer finds it. It is not called when error handling
    /// has the command: then nobody asks for a status, and the place is error handling's own.
    #[inline]
    pub(crate) fn end(&self, write: impl Fn()) -> End {
        if self.0.load(Ordering::Relaxed) != OUTSTANDING {
            return self.end_late(write);
        }
        write();
        // Release: what the owner did to the command comes before what others do who see this.
        self.0.store(IDLE, Ordering::Release);
        End::Report
    }

    #[cold]
    fn end_late(&self, write: impl Fn()) -> End {
        // Ends: an exchange fails only where a timeout has gone a step further, of which there are two.
        loop {
            let seen = self.0.load(Ordering::Relaxed);
            if seen != ESCALATED {
                write();
            }
            let (next, end) = match seen {
                // It was extended.
                OUTSTANDING => (IDLE, End::Report),
                _ => (LATE, End::Silent),
            };
            if self.exchange(seen, next) {
                return end;
            }
        }
    }

    /// The driver gives the command back, unstarted, to the `queuecommand` that it came by.
    #[inline]
    pub(crate) fn reject(&self) {
        self.0.store(IDLE, Ordering::Release);
    }

    /// The command's time is over: the driver is asked. False if it has just ended the command.
    ///
    /// The caller begins a grace period of RCU next. After it, nobody reports the end of this use that has
    /// not found it in the state that this leaves.
    pub(crate) fn time_out(&self) -> bool {
        self.exchange(OUTSTANDING, TIMED_OUT)
    }

    /// The driver wants the command to have its time once more.
    pub(crate) fn extend(&self) -> Verdict {
        if self.exchange(TIMED_OUT, OUTSTANDING) {
            Verdict::Outstanding
        } else {
            self.ended()
        }
    }

    /// Error handling gets the command.
    pub(crate) fn escalate(&self) -> Verdict {
        if self.exchange(TIMED_OUT, ESCALATED) {
            Verdict::Escalated
        } else {
            self.ended()
        }
    }

    fn ended(&self) -> Verdict {
        match self.0.load(Ordering::Acquire) {
            LATE => Verdict::Late,
            _ => Verdict::Idle,
        }
    }

    /// True while the driver has the command. If it is false, what the driver did to it is visible.
    pub(crate) fn is_outstanding(&self) -> bool {
        self.0.load(Ordering::Acquire) >= OUTSTANDING
    }

    /// True once error handling has the command too: what the driver says of it is not asked for any more.
    pub(crate) fn is_escalated(&self) -> bool {
        self.0.load(Ordering::Acquire) == ESCALATED
    }

    fn exchange(&self, from: u32, to: u32) -> bool {
        self.0
            .compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }
}
