// SPDX-License-Identifier: GPL-2.0

//! Firmware commands that somebody waits for.
//!
//! A slot goes from Idle through [`Armed`] and [`Pending`] (or [`Polled`]) to [`Answered`] and back:
//!
//! - [`Mailbox::arm`] claims an idle slot, initialises its completion in place and gives it a new
//!   generation;
//! - [`Armed::post`] consumes the armed slot and is the only way to ring the doorbell for it, see
//!   [`doorbell`](crate::doorbell): the completion is always ready before the firmware can see the command;
//! - a command that the firmware answers by a status in the command's memory, and not in its queue, is
//!   posted by [`Armed::post_polled`]: a [`Polled`] command is waited for by polling that status;
//! - [`Pending::wait`] and [`Polled::wait`] are always bounded. A slot whose time runs out is quarantined:
//!   it is not used again until the firmware has returned it ([`Mailbox::answer`]) or a reset has been
//!   proven ([`Mailbox::release_after_reset`]), so that a late answer can neither complete nor overwrite a
//!   later command.
//!
//! C header: [`include/linux/completion.h`](srctree/include/linux/completion.h)
//!
//! # Examples
//!
//! ```ignore
//! let armed = mailbox.arm().ok_or(EBUSY)?;
//! frames.slot(armed.index()).ok_or(EINVAL)?.write(0, &frame(armed.context()))?;
//! let pending = armed.post(|posting| adapter.ring(frame, posting));
//! let answered = pending.wait(Delta::from_secs(10), TICK, || adapter.drain())?;
//!
//! // A command that is flagged as polled: the firmware only writes its status.
//! let polled = armed.post_polled(|posting| adapter.ring(frame, posting));
//! let answered = polled.wait(Delta::from_secs(10), TICK, || frame.status() != NOT_ANSWERED)?;
//! ```

mod slot;

use self::slot::{
    Answer,
    GaveUp,
    MailboxSlot,
    Released,
    Reply, //
};
use crate::bindings;
use crate::doorbell::Posting;
use crate::generation::Generation;
use core::mem::ManuallyDrop;
use kernel::prelude::*;
use kernel::time::{
    msecs_to_jiffies,
    Delta,
    Instant,
    Monotonic, //
};
use kernel::types::Opaque;

/// What the firmware gets and returns: which slot, and which use of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Context {
    /// Index of the slot.
    pub index: u32,
    /// Which use of the slot.
    pub generation: Generation,
}

/// # Invariants
///
/// `done` is initialised while the slot is not idle, and its address never changes.
struct Entry {
    state: MailboxSlot,
    done: Opaque<kernel::bindings::completion>,
}

/// A fixed number of slots for firmware commands.
pub struct Mailbox {
    entries: KVVec<Entry>,
}

// SAFETY: the state of an entry is atomic and decides who touches its completion, which locks for itself.
unsafe impl Send for Mailbox {}
// SAFETY: as above.
unsafe impl Sync for Mailbox {}

impl Mailbox {
    /// Makes a mailbox of `slots` slots. May sleep.
    ///
    /// # Errors
    ///
    /// `ENOMEM` if there is no memory.
    pub fn new(slots: u32) -> Result<Self> {
        let slots = usize::try_from(slots)?;
        let mut entries = KVVec::with_capacity(slots, GFP_KERNEL)?;
        for _ in 0..slots {
            let entry = Entry {
                state: MailboxSlot::new(),
                done: Opaque::uninit(),
            };
            entries.push(entry, GFP_KERNEL)?;
        }
        Ok(Self { entries })
    }

    /// Bytes of memory that the slots hold.
    pub fn bytes(&self) -> usize {
        self.entries.capacity() * size_of::<Entry>()
    }

    fn entry(&self, context: Context) -> Option<&Entry> {
        self.entries.get(usize::try_from(context.index).ok()?)
    }

    /// Claims an idle slot and initialises its completion; `None` if all are in use or quarantined. Any
    /// context.
    pub fn arm(&self) -> Option<Armed<'_>> {
        for (index, entry) in (0..).zip(&self.entries) {
            let Some(generation) = entry.state.arm() else {
                continue;
            };
            // INVARIANT: the slot was idle, so nobody waits on or completes the old completion, and the
            // entries never move.
            // SAFETY: `done` has room for a completion, at an address that does not change. Nobody else uses it:
            // only the waiter and the answerer of a posted slot do, and both had done with it before the
            // slot became idle, see `Pending::wait`.
            unsafe { kernel::bindings::init_completion(entry.done.get()) };
            return Some(Armed {
                mailbox: self,
                entry,
                context: Context { index, generation },
            });
        }
        None
    }

    /// The firmware has answered: wakes the waiter, or frees the slot if that one has given up. Any
    /// context.
    ///
    /// Returns false for a context that no posted slot has: it is stale or made up, and nothing happens.
    pub fn answer(&self, context: Context) -> bool {
        let Some(entry) = self.entry(context) else {
            return false;
        };
        match entry.state.answer(context.generation) {
            Answer::Wake => {
                // SAFETY: initialised: the slot was posted, which `arm` comes before. It stays so during the
                // call: its waiter frees the slot only after it has been woken, or has waited for this call
                // in `wait_for_completion`, which takes the lock that `complete_all` holds to its end.
                unsafe { kernel::bindings::complete_all(entry.done.get()) };
                true
            }
            Answer::Returned => true,
            Answer::Stale => false,
        }
    }

    /// A reset of the device has been proven: it holds no command any more. Frees quarantined slots and
    /// wakes the waiters of posted ones, whose answer is lost. Any context.
    pub fn release_after_reset(&self) {
        for entry in &self.entries {
            match entry.state.release_after_reset() {
                Released::Woken(_) => {
                    // SAFETY: as in `answer`: this thread has moved the slot from posted to lost.
                    unsafe { kernel::bindings::complete_all(entry.done.get()) };
                }
                Released::Freed | Released::Nothing => {}
            }
        }
    }
}

/// A slot whose completion is initialised and whose command can be written. Dropping it frees the slot.
#[must_use = "a slot that is dropped is freed"]
pub struct Armed<'a> {
    mailbox: &'a Mailbox,
    entry: &'a Entry,
    context: Context,
}

impl<'a> Armed<'a> {
    /// The context for the command's frame.
    pub fn context(&self) -> Context {
        self.context
    }

    /// Posts the command: `doorbell` hands it to the firmware. Any context that `doorbell` allows.
    pub fn post(self, doorbell: impl FnOnce(Posting<'_>)) -> Pending<'a> {
        let pending = self.into_pending();
        // The only holder of the armed slot posts it, so this cannot fail.
        let _posted = pending.entry.state.post(pending.context.generation);
        // SAFETY: a posting wants a command that was recorded: the slot is posted above.
        doorbell(unsafe { Posting::new() });
        pending
    }

    /// As [`Armed::post`], for a command that tells the firmware to leave its queue alone: the answer is a
    /// status in the command's memory, which must say "not answered" now.
    pub fn post_polled(self, doorbell: impl FnOnce(Posting<'_>)) -> Polled<'a> {
        let pending = self.into_pending();
        // As in `post`.
        let _posted = pending.entry.state.post_polled(pending.context.generation);
        // SAFETY: a posting wants a command that was recorded: the slot is posted above.
        doorbell(unsafe { Posting::new() });
        Polled(pending)
    }

    fn into_pending(self) -> Pending<'a> {
        let armed = ManuallyDrop::new(self);
        Pending {
            mailbox: armed.mailbox,
            entry: armed.entry,
            context: armed.context,
        }
    }
}

impl Drop for Armed<'_> {
    fn drop(&mut self) {
        self.entry.state.disarm(self.context.generation);
    }
}

/// A command that the firmware has. Dropping it quarantines the slot.
#[must_use = "a slot that is dropped is quarantined"]
pub struct Pending<'a> {
    mailbox: &'a Mailbox,
    entry: &'a Entry,
    context: Context,
}

impl<'a> Pending<'a> {
    /// The context of the command.
    pub fn context(&self) -> Context {
        self.context
    }

    /// Waits for the answer, at most for `timeout`. Every `tick` it calls `poll`, which may look for the
    /// answer where an interrupt would have said that it is there. Sleeps.
    ///
    /// # Errors
    ///
    /// `ETIMEDOUT` if no answer came; the slot is quarantined.
    pub fn wait(self, timeout: Delta, tick: Delta, mut poll: impl FnMut()) -> Result<Answered<'a>> {
        let start = Instant::<Monotonic>::now();
        let millis = u32::try_from(tick.as_millis()).unwrap_or(u32::MAX);
        let jiffies = msecs_to_jiffies(millis).max(1);
        loop {
            // SAFETY: initialised by `arm`; the slot is not idle before `self` is gone, so that nobody
            // initialises it anew.
            let left = unsafe {
                bindings::storage_wait_for_completion_timeout(self.entry.done.get(), jiffies)
            };
            if left != 0 {
                return Ok(self.answered());
            }
            poll();
            if start.elapsed() > timeout {
                break;
            }
        }
        match self.entry.state.give_up(self.context.generation) {
            GaveUp::Finished(_) => {
                // `answer` is about to complete: the slot is not free before it has. It is bounded by the
                // few instructions that separate its two steps.
                // SAFETY: as for the wait above.
                unsafe { kernel::bindings::wait_for_completion(self.entry.done.get()) };
                Ok(self.answered())
            }
            // Only the holder of the posted slot can collect it, so it is not stale.
            GaveUp::Quarantined | GaveUp::Stale => {
                let _quarantined = ManuallyDrop::new(self);
                Err(ETIMEDOUT)
            }
        }
    }

    fn answered(self) -> Answered<'a> {
        let pending = ManuallyDrop::new(self);
        Answered {
            _mailbox: pending.mailbox,
            entry: pending.entry,
            context: pending.context,
        }
    }
}

impl Drop for Pending<'_> {
    /// May sleep for the few instructions of an answer that is just being given.
    fn drop(&mut self) {
        if let GaveUp::Finished(_) = self.entry.state.give_up(self.context.generation) {
            // SAFETY: initialised by `arm`; the slot is not idle before `collect` below.
            unsafe { kernel::bindings::wait_for_completion(self.entry.done.get()) };
            self.entry.state.collect(self.context.generation);
        }
    }
}

/// A command that the firmware has, and answers by a status in the command's memory alone. Dropping it
/// quarantines the slot.
#[must_use = "a slot that is dropped is quarantined"]
pub struct Polled<'a>(Pending<'a>);

impl<'a> Polled<'a> {
    /// The context of the command.
    pub fn context(&self) -> Context {
        self.0.context
    }

    /// Looks at the command every `tick`, at most for `timeout`, until `is_answered` says that the status in
    /// its memory has changed. What the device wrote before the status is visible afterwards. Sleeps.
    ///
    /// # Errors
    ///
    /// `ETIMEDOUT` if the status did not change; the slot is quarantined.
    pub fn wait(
        self,
        timeout: Delta,
        tick: Delta,
        mut is_answered: impl FnMut() -> bool,
    ) -> Result<Answered<'a>> {
        let (entry, context) = (self.0.entry, self.0.context);
        self.0.wait(timeout, tick, || {
            if !is_answered() {
                return;
            }
            crate::dma::read_barrier();
            if entry.state.finish(context.generation) {
                // SAFETY: `arm` has initialised the completion, and by the invariant of `Entry` it stays so
                // and where it is while the slot is not idle: the caller of this closure holds the slot.
                unsafe { kernel::bindings::complete_all(entry.done.get()) };
            }
        })
    }
}

/// A command that was answered: its frame and buffers can be read until this is dropped, which frees the
/// slot.
pub struct Answered<'a> {
    _mailbox: &'a Mailbox,
    entry: &'a Entry,
    context: Context,
}

impl Answered<'_> {
    /// The context of the command.
    pub fn context(&self) -> Context {
        self.context
    }

    /// True if no answer came, but a reset: the contents of the frame and its buffers are invalid.
    pub fn is_lost(&self) -> bool {
        self.entry.state.reply(self.context.generation) != Some(Reply::Answered)
    }
}

impl Drop for Answered<'_> {
    fn drop(&mut self) {
        self.entry.state.collect(self.context.generation);
    }
}
