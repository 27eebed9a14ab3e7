// SPDX-License-Identifier: GPL-2.0

//! The proof that code runs in a task of its own.

use core::marker::PhantomData;

/// The caller is in task context: no interrupt handler, hard or soft, runs between it and its task.
///
/// Some functions of the block layer edit lists of the current task without a lock (`current->plug`,
/// `current->bio_list`). An interrupt can stop a task in the middle of such a list, so its handler must not
/// call them. The functions of this library that do so take a `&TaskContext`. Callbacks that run in a task
/// get one; [`Target::end_bio`](super::Target::end_bio) and others, which run in any context, do not.
///
/// It says nothing about spinlocks. What sleeps must not be called with one held.
///
/// # Invariants
///
/// One exists only while a callback runs that the kernel calls in task context, and only for the thread that
/// runs it: it is neither [`Send`] nor [`Sync`], and is lent for the time of the callback.
pub struct TaskContext {
    _not_send: PhantomData<*mut ()>,
}

impl TaskContext {
    /// # Safety
    ///
    /// The caller is in task context, and the value is dropped before it leaves that.
    #[inline]
    pub(super) unsafe fn new() -> Self {
        // INVARIANT: the caller guarantees the context and its time; the type is neither `Send` nor `Sync`
        // by its pointer.
        Self {
            _not_send: PhantomData,
        }
    }
}
