// SPDX-License-Identifier: GPL-2.0

//! One mailbox slot: a firmware command that somebody waits for.
//!
//! # States
//!
//! ```text
//!            arm          post            answer             collect
//!    Idle ---------> Armed -----> Pending -------> Answered ---------> Idle
//!             ^        |           |    |
//!             +--------+           |    +--------> Lost -------------> Idle
//!              disarm              |     reset              collect
//!                                  v
//!                              Quarantined ----------------> Idle
//!                       give up              answer, reset
//! ```
//!
//! A command whose answer is a status in its own memory, rather than an entry in a queue of the firmware,
//! goes another way to the same ends:
//!
//! ```text
//!         post polled            finish
//!    Armed ---------> Polled ---------------> Answered
//!                      |  |
//!                      |  +-----------------> Lost
//!                      |         reset
//!                      +--------------------> Quarantined
//!                               give up
//! ```
//!
//! The waiter alone reads that status, so nobody else can finish a polled command.
//!
//! The waiter leaves a slot only through [`MailboxSlot::collect`] or [`MailboxSlot::give_up`]. A
//! slot that was given up stays out of use until the firmware has returned it, or until a reset
//! has proven that the firmware forgot it: the firmware may still write to the command's memory.

use crate::atomic::{
    AtomicU32,
    Ordering, //
};
use crate::generation::{
    Generation,
    SlotWord, //
};

#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
enum State {
    Idle = 0,
    Armed = 1,
    Pending = 2,
    Answered = 3,
    Lost = 4,
    Quarantined = 5,
    Polled = 6,
}

type Word = SlotWord<State>;

impl From<State> for u32 {
    #[inline]
    fn from(state: State) -> Self {
        state as Self
    }
}

/// What an answer of the firmware means for the slot.
#[must_use]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Answer {
    /// The command has its reply: wake the waiter.
    Wake,
    /// Too late, the waiter gave up: the slot is free again, nobody is to be woken.
    Returned,
    /// No command of this generation is with the firmware: ignore it.
    Stale,
}

/// How the wait for a finished command ended.
#[must_use]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reply {
    /// The firmware answered; its reply may be read until the slot is collected.
    Answered,
    /// A reset took the command: there is no reply.
    Lost,
}

/// What a waiter finds whose time is over.
#[must_use]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum GaveUp {
    /// The command finished at the last moment; read the reply if there is one, then collect.
    Finished(Reply),
    /// The slot is in quarantine. The waiter must not touch the command's memory again.
    Quarantined,
    /// This generation is not with the firmware.
    Stale,
}

/// What a proven reset did to the slot.
#[must_use]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Released {
    /// A command was pending; it is lost now: wake its waiter.
    Woken(Generation),
    /// The slot was in quarantine and is free again.
    Freed,
    /// The firmware had nothing of this slot.
    Nothing,
}

/// The state of one mailbox slot.
///
/// Every method may be called in any context: none sleeps, none waits for another thread.
///
/// # Invariants
///
/// - From `Armed` until the slot is `Idle` again, the generation does not change.
/// - A slot that the firmware may still write to is `Pending`, `Polled` or `Quarantined`, and cannot
///   be armed.
pub(crate) struct MailboxSlot {
    state: AtomicU32,
}

impl MailboxSlot {
    /// An idle slot.
    pub(crate) fn new() -> Self {
        // INVARIANT: the firmware knows nothing of this slot.
        Self {
            state: AtomicU32::new(Word::new(Generation::UNUSED, State::Idle).0),
        }
    }

    /// Claims an idle slot; [`None`] if it is in use or in quarantine.
    ///
    /// The caller prepares the command and its completion, then posts or disarms.
    pub(crate) fn arm(&self) -> Option<Generation> {
        let seen = self.load();
        if !seen.is(State::Idle) {
            return None;
        }
        let generation = seen.generation().next();
        self.exchange(seen, Word::new(generation, State::Armed))
            .ok()?;
        Some(generation)
    }

    /// Gives an armed slot back without posting it. False if it is not armed as `generation`.
    pub(crate) fn disarm(&self, generation: Generation) -> bool {
        self.step(generation, State::Armed, State::Idle)
    }

    /// Hands the command to the firmware: to be called before the doorbell is rung. False if the
    /// slot is not armed as `generation`; the doorbell must not be rung then.
    #[must_use]
    pub(crate) fn post(&self, generation: Generation) -> bool {
        self.step(generation, State::Armed, State::Pending)
    }

    /// As [`MailboxSlot::post`], for a command whose answer is a status in its memory.
    #[must_use]
    pub(crate) fn post_polled(&self, generation: Generation) -> bool {
        self.step(generation, State::Armed, State::Polled)
    }

    /// The waiter has seen the status of a polled command. False if a reset took it before.
    pub(crate) fn finish(&self, generation: Generation) -> bool {
        self.step(generation, State::Polled, State::Answered)
    }

    /// The firmware has answered the command of `generation`.
    ///
    /// Stale for a polled command: an answer that the firmware posts nevertheless is ignored, and the
    /// status in the command's memory alone counts.
    pub(crate) fn answer(&self, generation: Generation) -> Answer {
        let mut seen = self.load();
        // Ends: an exchange fails only if another thread moved the slot on, and from `Pending`
        // or `Polled` there are two steps at most in which the generation stays.
        loop {
            let (next, answer) = if seen == Word::new(generation, State::Pending) {
                (State::Answered, Answer::Wake)
            } else if seen == Word::new(generation, State::Quarantined) {
                (State::Idle, Answer::Returned)
            } else {
                return Answer::Stale;
            };
            match self.exchange(seen, Word::new(generation, next)) {
                Ok(()) => return answer,
                Err(now) => seen = now,
            }
        }
    }

    /// How the command of `generation` ended; [`None`] while it has not.
    ///
    /// What the answering side did before its answer is visible after [`Reply::Answered`].
    pub(crate) fn reply(&self, generation: Generation) -> Option<Reply> {
        let seen = self.load();
        if seen == Word::new(generation, State::Answered) {
            Some(Reply::Answered)
        } else if seen == Word::new(generation, State::Lost) {
            Some(Reply::Lost)
        } else {
            None
        }
    }

    /// Frees the slot of a finished command; the waiter has read the reply. False if the command
    /// of `generation` has not finished.
    pub(crate) fn collect(&self, generation: Generation) -> bool {
        self.step(generation, State::Answered, State::Idle)
            || self.step(generation, State::Lost, State::Idle)
    }

    /// The waiter's time is over. An answer that comes at the same moment either finishes the
    /// command or finds the slot in quarantine.
    pub(crate) fn give_up(&self, generation: Generation) -> GaveUp {
        if self.step(generation, State::Pending, State::Quarantined)
            || self.step(generation, State::Polled, State::Quarantined)
        {
            return GaveUp::Quarantined;
        }
        match self.reply(generation) {
            Some(reply) => GaveUp::Finished(reply),
            None => GaveUp::Stale,
        }
    }

    /// A reset has proven that the firmware holds no command any more.
    ///
    /// An armed slot is left alone: its command was never posted.
    pub(crate) fn release_after_reset(&self) -> Released {
        let mut seen = self.load();
        // Ends for the same reason as in `answer`.
        loop {
            let generation = seen.generation();
            let (next, released) = if seen.is(State::Pending) || seen.is(State::Polled) {
                (State::Lost, Released::Woken(generation))
            } else if seen.is(State::Quarantined) {
                (State::Idle, Released::Freed)
            } else {
                return Released::Nothing;
            };
            match self.exchange(seen, Word::new(generation, next)) {
                Ok(()) => return released,
                Err(now) => seen = now,
            }
        }
    }

    fn load(&self) -> Word {
        Word::from_u32(self.state.load(Ordering::Acquire))
    }

    /// One step of the machine. Every step orders what was done in the state that it leaves
    /// before what is done in the state that it enters.
    fn exchange(&self, from: Word, to: Word) -> Result<(), Word> {
        self.state
            .compare_exchange(from.0, to.0, Ordering::AcqRel, Ordering::Acquire)
            .map(|_| ())
            .map_err(Word::from_u32)
    }

    fn step(&self, generation: Generation, from: State, to: State) -> bool {
        self.exchange(Word::new(generation, from), Word::new(generation, to))
            .is_ok()
    }
}
