// SPDX-License-Identifier: GPL-2.0

//! Model checks of the modules that have atomics.
//!
//! Each test runs in every interleaving, and with every value that the memory model lets a load
//! return. What the slots protect is in cells that notice an access without synchronisation.

#![cfg(test)]
// The tests use part of each module's interface; the kernel build says what is dead.
#![allow(dead_code)]

mod atomic {
    pub(crate) use loom::sync::atomic::{AtomicPtr, AtomicU32, Ordering};
}

#[path = "../../../rust/generation.rs"]
mod generation;
#[path = "../../../rust/mailbox/slot.rs"]
mod slot;
#[path = "../../../rust/scsi/tag_slot.rs"]
mod tag_slot;

mod mailbox_model;
mod tag_slot_model;

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
