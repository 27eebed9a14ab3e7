// SPDX-License-Identifier: GPL-2.0

//! Read-side sections of RCU, for code that is in one already: an interrupt handler.
//!
//! What runs inside one can be waited for by [`synchronize`]: error handling does so before it believes
//! that nobody is completing a command any more, and a reset before it believes that nobody is submitting
//! one.
//!
//! C header: [`include/linux/rcupdate.h`](srctree/include/linux/rcupdate.h)

use core::marker::PhantomData;
use kernel::sync::rcu::Guard;
use kernel::types::NotThreadSafe;

/// Evidence that this code runs inside a read-side section.
///
/// # Invariants
///
/// A read-side section of this thread or interrupt lasts for `'a`.
#[derive(Clone, Copy)]
pub struct ReadSide<'a>(PhantomData<(&'a (), NotThreadSafe)>);

impl<'a> ReadSide<'a> {
    /// Of a section that a guard holds open. Any context.
    #[inline]
    pub fn of(_guard: &'a Guard) -> Self {
        // INVARIANT: the guard is held for `'a`.
        Self(PhantomData)
    }

    /// # Safety
    ///
    /// Called in interrupt context, or with bottom halves disabled, which are read-side sections themselves, and not
    /// kept beyond.
    #[inline]
    pub(crate) unsafe fn in_interrupt() -> Self {
        // INVARIANT: an interrupt handler is a read-side section, and the caller guarantees that this is one and
        // that the value is not kept beyond it.
        Self(PhantomData)
    }
}

/// Waits until every read-side section that was open at the call has ended. Sleeps, for some milliseconds.
pub fn synchronize() {
    // SAFETY: `synchronize_rcu` wants a caller that may sleep and is in no read-side section. Neither is a matter
    // of memory: the kernel reports the former, and the latter would wait for itself.
    unsafe { kernel::bindings::synchronize_rcu() };
}

/// A grace period that was begun earlier: after it, every read-side section that was open then has ended.
///
/// Several can be begun at one time, by code that cannot sleep, and end together: a wait later takes what is
/// left of the time, mostly none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GracePeriod(usize);

impl GracePeriod {
    /// Begins one. A section that begins after it has begun sees what this thread wrote before. Any context.
    pub fn begin() -> Self {
        // SAFETY: no requirements: it locks for itself, with interrupts off.
        Self(unsafe { kernel::bindings::start_poll_synchronize_rcu() })
    }

    /// For a place that holds a number; any number can be made a grace period of, and waited for.
    pub fn from_cookie(cookie: usize) -> Self {
        Self(cookie)
    }

    /// The number.
    pub fn as_cookie(self) -> usize {
        self.0
    }

    /// Waits for its end. Sleeps, if it has not ended.
    pub fn wait(self) {
        // SAFETY: no requirements but to be allowed to sleep, which the kernel checks. A number that
        // `begin` has not returned costs a wait at most.
        unsafe { kernel::bindings::cond_synchronize_rcu(self.0) };
    }
}
