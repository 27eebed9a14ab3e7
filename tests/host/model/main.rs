// SPDX-License-Identifier: GPL-2.0

//! Model checks of the modules that have atomics.
//!
//! Each test runs in every interleaving (but for one that says so), and with every value that the
//! memory model lets a load return. What the slots protect is in cells that notice an access without synchronisation.

#![cfg(test)]
// The tests use part of each module's interface; the kernel build says what is dead.
#![allow(dead_code)]

mod atomic {
    pub(crate) use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering};

    use loom::cell::UnsafeCell;

    /// A pointer that the state beside it must protect like plain memory: an access that is not
    /// ordered after the last write fails the model, although the pointer itself is atomic. That
    /// covers a load that the hardware executes late, which the checker cannot do.
    pub(crate) struct AtomicPtr<T> {
        value: loom::sync::atomic::AtomicPtr<T>,
        access: UnsafeCell<()>,
    }

    impl<T> AtomicPtr<T> {
        pub(crate) fn new(value: *mut T) -> Self {
            Self {
                value: loom::sync::atomic::AtomicPtr::new(value),
                access: UnsafeCell::new(()),
            }
        }

        pub(crate) fn load(&self, order: Ordering) -> *mut T {
            self.access.with(|_| self.value.load(order))
        }

        pub(crate) fn store(&self, value: *mut T, order: Ordering) {
            self.access.with_mut(|_| self.value.store(value, order));
        }
    }
}

#[path = "../../../rust/storage/generation.rs"]
mod generation;
#[path = "../../../rust/scsi/ownership.rs"]
mod ownership;
#[path = "../../../rust/storage/irq/poll_state.rs"]
mod poll_state;
#[path = "../../../rust/storage/mailbox/slot.rs"]
mod slot;
#[path = "../../../rust/scsi/tag_slot.rs"]
mod tag_slot;
#[path = "../../../rust/storage/irq/watch_state.rs"]
mod watch_state;

#[path = "../../../drivers/md/multipath"]
mod multipath {
    pub(crate) use crate::atomic;

    pub(crate) mod args;
    pub(crate) mod errno;
    pub(crate) mod features;
    pub(crate) mod map {
        pub(crate) mod queueing;
        mod usable;

        pub(crate) use usable::Usable;

        /// What only the map's state machine may do; the models are in its place.
        pub(crate) struct Keeper(pub(crate) Usable);

        impl Keeper {
            pub(crate) fn new(paths: u32) -> Self {
                Self(Usable::new(paths))
            }

            pub(crate) fn fail(&self, index: u32) -> bool {
                self.0.fail(index)
            }

            pub(crate) fn reinstate(&self, index: u32) -> bool {
                self.0.reinstate(index)
            }
        }
    }
    pub(crate) mod memory;
    pub(crate) mod tree;
}

mod mailbox_model;
mod multipath_model;
mod ownership_model;
mod poll_state_model;
mod queueing_model;
mod tag_slot_model;
mod watch_state_model;

use loom::cell::UnsafeCell;

/// Memory that must only be accessed by who the slot says.
#[derive(Default)]
struct Guarded(UnsafeCell<u32>);

impl Guarded {
    fn set(&self, value: u32) {
        // SAFETY: the model checker reports an access that races with this one before it happens.
        self.0.with_mut(|cell| unsafe { *cell = value });
    }

    fn get(&self) -> u32 {
        // SAFETY: the model checker reports an access that races with this one before it happens.
        self.0.with(|cell| unsafe { *cell })
    }
}
