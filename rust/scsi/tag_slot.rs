// SPDX-License-Identifier: GPL-2.0

//! One slot of the in-flight table, whose index is the block layer's tag.
//!
//! A slot owns what was published in it until somebody takes it out. Interrupt, abort, reset sweep
//! and removal may all try, on any CPU and in any context, without a lock; one of them gets it.
//!
//! # States
//!
//! ```text
//!        reserve           publish          take            take
//!  Idle ---------> Reserved ------> Busy ----------> Taking ------> Idle
//!  (g)     ^       (g + 1)         (g + 1)          (g + 1)        (g + 1)
//!          |          |
//!          +----------+ cancel
//! ```
//!
//! `Reserved` lasts while the memory that hardware reads for this tag is written, `Taking` for a few
//! instructions. While they do, only the thread that claimed the slot touches the payload and that
//! memory; everybody else sees an occupied slot with nothing to take.

use core::ptr::{
    self,
    NonNull, //
};

use crate::atomic::{
    AtomicPtr,
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
    Reserved = 1,
    Busy = 2,
    Taking = 3,
}

type Word = SlotWord<State>;

impl From<State> for u32 {
    #[inline]
    fn from(state: State) -> Self {
        state as Self
    }
}

/// A slot that holds one payload between [`publish`](Self::publish) and [`take`](Self::take).
///
/// Every method may be called in any context: none sleeps, none waits for another thread.
///
/// # Invariants
///
/// - Each payload that was published is returned by exactly one take, or is still in the slot. This
///   does not depend on the width of the generation: what is returned is read after the slot was
///   claimed.
/// - While the state is `Busy`, `payload` is not null.
pub(crate) struct TagSlot {
    state: AtomicU32,
    payload: AtomicPtr<()>,
}

impl TagSlot {
    /// An idle slot.
    pub(crate) fn new() -> Self {
        // INVARIANT: nothing was armed, and the state is `Idle`.
        Self {
            state: AtomicU32::new(Word::new(Generation::UNUSED, State::Idle).0),
            payload: AtomicPtr::new(ptr::null_mut()),
        }
    }

    /// Claims an idle slot and returns the generation that its payload will have.
    ///
    /// [`None`] if the slot is occupied. The caller publishes or cancels.
    #[inline]
    pub(crate) fn reserve(&self) -> Option<Generation> {
        let seen = Word::from_u32(self.state.load(Ordering::Relaxed));
        if !seen.is(State::Idle) {
            return None;
        }
        let generation = seen.generation().next();

        // Acquire pairs with the release of the slot in `take`: the last taker has read its
        // payload, and the memory behind the tag, before this owner writes to them.
        self.state
            .compare_exchange(
                seen.0,
                Word::new(generation, State::Reserved).0,
                Ordering::Acquire,
                Ordering::Relaxed,
            )
            .ok()?;
        Some(generation)
    }

    /// Puts `payload` into the slot that the caller has reserved as `generation`, once.
    ///
    /// What the caller wrote before is visible to whoever takes the payload.
    #[inline]
    pub(crate) fn publish(&self, generation: Generation, payload: NonNull<()>) {
        self.payload.store(payload.as_ptr(), Ordering::Relaxed);
        // INVARIANT: the payload is in place before the state says so; release pairs with the
        // acquire in `take`.
        self.state
            .store(Word::new(generation, State::Busy).0, Ordering::Release);
    }

    /// Frees the slot that the caller has reserved as `generation`, in place of publishing.
    ///
    /// Hardware has not seen the generation, but it is not used again.
    #[inline]
    pub(crate) fn cancel(&self, generation: Generation) {
        self.state
            .store(Word::new(generation, State::Idle).0, Ordering::Release);
    }

    /// Takes out the payload that was published as `generation`.
    ///
    /// [`None`] if it was taken already, or if the slot holds another generation. Of several
    /// callers with the same generation exactly one gets the payload.
    #[inline]
    pub(crate) fn take(&self, generation: Generation) -> Option<NonNull<()>> {
        // Acquire pairs with the release in `publish`.
        self.state
            .compare_exchange(
                Word::new(generation, State::Busy).0,
                Word::new(generation, State::Taking).0,
                Ordering::Acquire,
                Ordering::Relaxed,
            )
            .ok()?;

        // INVARIANT: this thread alone moved the slot from `Busy` to `Taking`, and no other can
        // reserve it before the store below, so it is the only one to read this payload.
        let payload = NonNull::new(self.payload.load(Ordering::Relaxed));
        self.state
            .store(Word::new(generation, State::Idle).0, Ordering::Release);
        payload
    }

    /// The generation in the slot, if there is something to take. It may be gone on return, and a slot that is
    /// reserved or filled meanwhile may be missed: a sweep keeps new commands out before it starts.
    ///
    /// What was written before the payload was published is visible then.
    #[inline]
    pub(crate) fn generation_if_busy(&self) -> Option<Generation> {
        let seen = Word::from_u32(self.state.load(Ordering::Acquire));
        seen.is(State::Busy).then(|| seen.generation())
    }
}
