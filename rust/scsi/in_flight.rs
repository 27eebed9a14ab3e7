// SPDX-License-Identifier: GPL-2.0

//! The table of commands that hardware works on, indexed by the block layer's tag.

use super::command::Command;
use super::tag_slot::TagSlot;
use super::template::LowLevelDriver;
use crate::generation::Generation;
use core::marker::PhantomData;
use kernel::prelude::*;

/// One flight of a command: its tag, and which use of the tag it is.
///
/// Hardware gets both as its context and gives them back with the answer, so that an answer that comes
/// after an abort or a reset cannot complete the next command with the same tag.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Flight {
    /// The block layer's tag, the index of the table.
    pub tag: u32,
    /// Which use of the tag.
    pub generation: Generation,
}

/// The in-flight table.
///
/// # Invariants
///
/// A busy slot's payload comes from [`Command::into_raw`] of the same `T`; whoever frees the slot has it.
pub struct InFlight<T: LowLevelDriver> {
    slots: KVVec<TagSlot>,
    _driver: PhantomData<fn() -> T>,
}

impl<T: LowLevelDriver> InFlight<T> {
    /// Makes a table for tags below `tags`. May sleep.
    ///
    /// # Errors
    ///
    /// `ENOMEM` if there is no memory for it.
    pub fn new(tags: u32) -> Result<Self> {
        let tags = usize::try_from(tags)?;
        let mut slots = KVVec::with_capacity(tags, GFP_KERNEL)?;
        for _ in 0..tags {
            slots.push(TagSlot::new(), GFP_KERNEL)?;
        }
        Ok(Self {
            slots,
            _driver: PhantomData,
        })
    }

    #[inline]
    fn slot(&self, tag: u32) -> Option<&TagSlot> {
        self.slots.get(usize::try_from(tag).ok()?)
    }

    /// Moves a command into the table. The driver then writes the flight into the context that hardware
    /// sees, and only then rings the doorbell. Any context.
    ///
    /// # Errors
    ///
    /// The command comes back if its tag is still occupied, by a command that error handling gave up.
    #[inline]
    pub fn launch(&self, command: Command<T>) -> Result<Flight, Command<T>> {
        let tag = command.tag();
        let Some(slot) = self.slot(tag) else {
            return Err(command);
        };
        let raw = command.into_raw();
        // INVARIANT: the payload comes from `into_raw`.
        match slot.arm(raw.cast()) {
            Some(generation) => Ok(Flight { tag, generation }),
            // SAFETY: from `into_raw` above, and the slot did not take it.
            None => Err(unsafe { Command::from_raw(raw) }),
        }
    }

    /// Takes the command of exactly this flight out: `None` if another caller has, or if the tag or the
    /// generation is not of a command in flight. Any context.
    #[inline]
    pub fn land(&self, flight: Flight) -> Option<Command<T>> {
        let raw = self.slot(flight.tag)?.take(flight.generation)?;
        // SAFETY: by the invariant, and the slot gives a payload once.
        Some(unsafe { Command::from_raw(raw.cast()) })
    }

    /// The flight that a tag is on, if any. Any context.
    pub fn flight(&self, tag: u32) -> Option<Flight> {
        let generation = self.slot(tag)?.generation_if_busy()?;
        Some(Flight { tag, generation })
    }

    /// Takes out every command, one after another, and hands each to `each`; returns how many there were.
    ///
    /// For a reset sweep: the hardware must have been proven to hold none of them. Any context.
    pub fn sweep(&self, mut each: impl FnMut(Command<T>)) -> usize {
        let mut count = 0;
        for slot in &self.slots {
            if let Some(raw) = slot.take_current() {
                // SAFETY: by the invariant, and the slot gives a payload once.
                each(unsafe { Command::from_raw(raw.cast()) });
                count += 1;
            }
        }
        count
    }

    /// How many commands are in flight; a snapshot, for diagnosis. Any context.
    pub fn len(&self) -> usize {
        self.slots
            .iter()
            .filter(|slot| slot.generation_if_busy().is_some())
            .count()
    }

    /// Bytes of memory that the table holds.
    pub fn bytes(&self) -> usize {
        self.slots.capacity() * size_of::<TagSlot>()
    }

    /// True if no command is in flight; a snapshot.
    pub fn is_empty(&self) -> bool {
        !self
            .slots
            .iter()
            .any(|slot| slot.generation_if_busy().is_some())
    }
}

impl<T: LowLevelDriver> Drop for InFlight<T> {
    fn drop(&mut self) {
        // What is left is completed with an error by the drop of each command.
        self.sweep(drop);
    }
}
