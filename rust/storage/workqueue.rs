// SPDX-License-Identifier: GPL-2.0

//! Work queues of a module's own, which the kernel crate does not have.
//!
//! C header: [`include/linux/workqueue.h`](srctree/include/linux/workqueue.h)

use crate::bindings;
use core::ptr::NonNull;
use kernel::bindings::workqueue_struct;
use kernel::prelude::*;
use kernel::str::CStr;

/// How a work queue runs what is queued.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// On the processor that queued it, several at once.
    PerCpu,
    /// As [`Kind::PerCpu`], and with a rescuer: it goes on when no memory is left.
    Reclaim,
    /// One at a time, in the order of queueing, with a rescuer.
    Ordered,
}

/// A work queue that its owner made.
///
/// # Invariants
///
/// The pointer is a work queue that this type owns.
pub struct WorkQueue(NonNull<workqueue_struct>);

// SAFETY: a work queue is not bound to the task that made it: all that is called here, flushing and destroying,
// may be called by any task.
unsafe impl Send for WorkQueue {}
// SAFETY: queueing and flushing, all that a reference allows, lock the work queue for themselves.
unsafe impl Sync for WorkQueue {}

impl WorkQueue {
    /// Makes a work queue. May sleep.
    ///
    /// # Errors
    ///
    /// `ENOMEM` if there is no memory.
    pub fn new(name: &'static CStr, kind: Kind) -> Result<Self> {
        let name = name.as_char_ptr();
        let queue = match kind {
            // SAFETY: the name is a string, which is copied.
            Kind::PerCpu => unsafe { bindings::storage_alloc_workqueue(name, false) },
            // SAFETY: the name is a string, which is copied.
            Kind::Reclaim => unsafe { bindings::storage_alloc_workqueue(name, true) },
            // SAFETY: the name is a string, which is copied.
            Kind::Ordered => unsafe { bindings::storage_alloc_ordered_workqueue(name) },
        };
        // INVARIANT: just made, nobody else has it.
        Ok(Self(NonNull::new(queue).ok_or(ENOMEM)?))
    }

    /// Waits until all that was queued before has run. Sleeps.
    pub fn flush(&self) {
        // SAFETY: by the invariant the pointer is a work queue, which is destroyed only when this is dropped.
        unsafe { kernel::bindings::__flush_workqueue(self.0.as_ptr()) };
    }

    /// For the crates of subsystems, to queue work that they wait for: valid as long as the work queue.
    #[doc(hidden)]
    pub fn as_raw(&self) -> *mut workqueue_struct {
        self.0.as_ptr()
    }
}

impl Drop for WorkQueue {
    /// Sleeps until all that was queued has run.
    fn drop(&mut self) {
        // SAFETY: by the invariant the work queue is this value's alone; whoever queues to it borrows this value, so
        // nobody does any more.
        unsafe { kernel::bindings::destroy_workqueue(self.0.as_ptr()) };
    }
}
