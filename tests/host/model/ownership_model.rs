// SPDX-License-Identifier: GPL-2.0

//! The end of a command while its timeout runs, and error handling after it.
//!
//! A read-side section of RCU is a lock that is held for reading; a grace period begins where the lock could
//! be had for writing once, and is over when it was. A thread that begins a section later sees what was
//! written before.
//!
//! What the state is at the end is not looked at: the checker does not know that a plain store, which `end`
//! makes, cannot come between the two halves of an exchange. The unit tests look at it.

use crate::ownership::{
    End,
    Ownership,
    Verdict, //
};
use crate::Guarded;
use loom::sync::atomic::{
    AtomicBool,
    AtomicU32,
    Ordering, //
};
use loom::sync::{
    Arc,
    RwLock, //
};
use loom::thread;

/// A command as the mid-layer and the driver see it.
#[derive(Default)]
struct Command {
    owner: Ownership,
    rcu: RwLock<()>,
    /// What the owner does to the command.
    memory: Guarded,
    /// Which use of the command it is.
    uses: AtomicU32,
    /// `SCMD_STATE_COMPLETE`: whoever sets it, `scsi_done` or `scsi_timeout`, has the command.
    complete: AtomicBool,
    /// How often `scsi_done` has set it for the first use.
    reports: AtomicU32,
}

impl Default for Ownership {
    fn default() -> Self {
        Self::new()
    }
}

impl Command {
    fn queued() -> Arc<Self> {
        let command = Arc::new(Self::default());
        assert!(command.owner.begin());
        command
    }

    /// `scsi_done`: that of the first use must not come when the second has begun.
    fn report(&self) {
        assert_eq!(self.uses.load(Ordering::Relaxed), 0, "ends the next use");
        if !self.complete.swap(true, Ordering::AcqRel) {
            self.reports.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// `Command::complete` by whoever took the command out of the table.
    fn complete(&self) {
        let _section = self.rcu.read().unwrap();
        self.memory.set(1);
        if self.owner.end(|| ()) == End::Report {
            self.report();
        }
    }

    /// `queuecommand` of a driver that gives the command back; true if the block layer requeues it.
    fn reject(&self) -> bool {
        let _section = self.rcu.read().unwrap();
        self.memory.set(1);
        self.owner.reject(|| ()) == End::Report
    }

    fn grace_period(&self) {
        let _all = self.rcu.write().unwrap();
    }

    /// The block layer's timeout, and the abort of a command that the hardware has given back, which starts
    /// it anew. The grace period that begins at the timeout is over at once (`early`), so that the driver may
    /// begin its section after it, or when the abort waits for it.
    fn timeout(&self, extend: bool, early: bool) -> After {
        let verdict = match (self.owner.time_out(), extend) {
            (Ok(()), true) => self.owner.extend(),
            (Ok(()), false) => self.owner.escalate(),
            (Err(verdict), _) => verdict,
        };
        if early {
            self.grace_period();
        }
        match verdict {
            Verdict::Outstanding | Verdict::Rejected => return After::Nothing,
            Verdict::Late => {
                self.memory.get();
                self.report();
                return After::Nothing;
            }
            Verdict::Escalated | Verdict::Idle => {}
        }
        if self.complete.swap(true, Ordering::AcqRel) {
            return After::Nothing;
        }
        if self.owner.is_outstanding() {
            // A driver that still has it is not believed.
            return After::Refused;
        }
        self.memory.get();
        if !early {
            self.grace_period();
        }
        self.uses.store(1, Ordering::Relaxed);
        assert!(self.owner.begin());
        self.memory.set(2);
        After::Again
    }
}

/// What a timeout has led to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum After {
    /// Error handling does not have the command.
    Nothing,
    /// Error handling has the command, and the driver too.
    Refused,
    /// Error handling has started the command anew.
    Again,
}

#[test]
fn a_command_that_ends_at_its_timeout_is_reported_or_aborted() {
    ends_at_its_timeout(false);
}

#[test]
fn a_grace_period_that_is_over_before_the_abort_is_enough() {
    ends_at_its_timeout(true);
}

fn ends_at_its_timeout(early: bool) {
    loom::model(move || {
        let command = Command::queued();
        let driver = thread::spawn({
            let command = command.clone();
            move || command.complete()
        });
        let after = command.timeout(false, early);
        driver.join().unwrap();
        let reports = command.reports.load(Ordering::Relaxed);
        assert_eq!(reports, u32::from(after == After::Nothing), "{after:?}");
    });
}

#[test]
fn a_command_whose_time_is_extended_is_reported_once() {
    loom::model(|| {
        let command = Command::queued();
        let driver = thread::spawn({
            let command = command.clone();
            move || command.complete()
        });
        let after = command.timeout(true, false);
        driver.join().unwrap();
        let reports = command.reports.load(Ordering::Relaxed);
        assert_eq!(reports, u32::from(after == After::Nothing), "{after:?}");
    });
}

#[test]
fn a_command_that_is_rejected_at_its_timeout_has_one_owner() {
    for (extend, early) in [(false, false), (false, true), (true, false)] {
        loom::model(move || {
            let command = Command::queued();
            let driver = thread::spawn({
                let command = command.clone();
                move || command.reject()
            });
            let after = command.timeout(extend, early);
            let requeued = driver.join().unwrap();
            // The block layer requeues it, the timeout completes it, or error handling has it.
            let reports = command.reports.load(Ordering::Relaxed);
            let escalated = u32::from(after != After::Nothing);
            assert_eq!(u32::from(requeued) + reports + escalated, 1, "{after:?}");
        });
    }
}

#[test]
fn a_command_that_the_driver_has_is_not_given_to_it_again() {
    loom::model(|| {
        let command = Command::queued();
        let driver = thread::spawn({
            let command = command.clone();
            move || {
                let _section = command.rcu.read().unwrap();
                command.memory.set(1);
                // The mid-layer has begun another use if the end is silent.
                command.owner.end(|| ())
            }
        });
        let begun = command.owner.begin();
        if begun {
            command.memory.set(2);
        }
        let end = driver.join().unwrap();
        if end == End::Silent {
            assert!(!begun);
        }
    });
}
