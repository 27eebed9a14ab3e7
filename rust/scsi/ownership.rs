// SPDX-License-Identifier: GPL-2.0

//! Who owns a command: the mid-layer, the driver, or error handling together with the driver.
//!
//! # States
//!
//! ```text
//!             begin                end
//!   Idle ----------> Outstanding ------> Idle      the mid-layer is told
//!                     |   |   ^
//!                     |   |   |  reject
//!                     |   +---|--------> Rejected  the mid-layer gets it back     (as Idle)
//!            time_out |       | extend
//!                     v       |      end, reject
//!                    TimedOut -----------------+
//!                     |                        v
//!            escalate |          end, reject
//!                     v         +------------> Late                               (as Idle)
//!                    Escalated -+
//! ```
//!
//! The block layer's timeout takes the right to end the command away from the driver: between `time_out`
//! and the verdict of the driver (`extend` or `escalate`) and, for good, after `escalate`, the end of the
//! driver's ownership is recorded as `Late`, and `scsi_done` is not called. It would do nothing at that time,
//! but a call that is delayed until error handling has retried the command would end the retry.
//!
//! The same holds for a driver that gives the command back from `queuecommand`: once the timeout has it, the
//! mid-layer must not requeue it, so that the end is recorded as `Late` there too, and `queuecommand` says that
//! the driver has taken the command. The other way round, a timeout that finds the command `Rejected` leaves it
//! alone: `queuecommand` has said that the command comes back, or is about to, and the block layer requeues it.
//!
//! The block layer of this kernel does not let it come to that: before it handles what has expired it waits for
//! every submission that was begun before (`blk_mq_timeout_work`), and `queuecommand` is called inside one. So a
//! timeout that finds `Idle` comes after the end of the use, not before its begin, and the window below is all.
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
/// The driver has given it back, unstarted, to the `queuecommand` that it came by.
const REJECTED: u32 = 2;
/// The driver has it. All states from here on are so.
const OUTSTANDING: u32 = 3;
/// The driver has it, and is asked what is to be done at its timeout.
const TIMED_OUT: u32 = 4;
/// The driver has it, and error handling too.
const ESCALATED: u32 = 5;

/// What the end of the driver's ownership means.
#[must_use]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    /// The mid-layer is to be told, in the same read-side section; of a rejection, by what `queuecommand`
    /// returns.
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
    /// The request that timed out is no longer the driver's, or never was: `queuecommand` gives it back, and the
    /// block layer requeues it. Nobody else may get it.
    Rejected,
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
            return self.end_late(IDLE, write);
        }
        write();
        // Release: what the owner did to the command comes before what others do who see this.
        self.0.store(IDLE, Ordering::Release);
        End::Report
    }

    /// `reported` is the state of a command whose end is to be reported.
    #[cold]
    fn end_late(&self, reported: u32, write: impl Fn()) -> End {
        // Ends: an exchange fails only where a timeout has gone a step further, of which there are two.
        loop {
            let seen = self.0.load(Ordering::Relaxed);
            // A command that is given back has no status.
            if seen != ESCALATED && (seen, reported) != (OUTSTANDING, REJECTED) {
                write();
            }
            let (next, end) = match seen {
                // Of `end`: it was extended.
                OUTSTANDING => (reported, End::Report),
                _ => (LATE, End::Silent),
            };
            if self.exchange(seen, next) {
                return end;
            }
        }
    }

    /// The driver gives the command back, unstarted, to the `queuecommand` that it came by. That returns it to
    /// the mid-layer on [`End::Report`] only; otherwise it says that the driver has the command.
    ///
    /// `write` puts a status where the mid-layer finds it, by which it tries the command again; it is called as
    /// in [`Ownership::end`].
    pub(crate) fn reject(&self, write: impl Fn()) -> End {
        // Not by a store, as in `end`: that a timeout has come meanwhile must not be missed, as nothing else keeps
        // the block layer from starting the command anew.
        self.end_late(REJECTED, write)
    }

    /// The command's time is over: the driver is asked.
    ///
    /// The caller begins a grace period of RCU next. After it, nobody reports the end of this use that has
    /// not found it in the state that this leaves.
    ///
    /// # Errors
    ///
    /// The verdict, if the driver is not to be asked: it has just ended the command, or has rejected it.
    pub(crate) fn time_out(&self) -> Result<(), Verdict> {
        match self
            .0
            .compare_exchange(OUTSTANDING, TIMED_OUT, Ordering::AcqRel, Ordering::Acquire)
        {
            Ok(_) => Ok(()),
            // Escalated: the driver still has an earlier use, and `begin` refuses each further one.
            Err(REJECTED | ESCALATED) => Err(Verdict::Rejected),
            Err(_) => Err(Verdict::Idle),
        }
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
