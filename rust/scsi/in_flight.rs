// SPDX-License-Identifier: GPL-2.0

//! The table of commands that hardware works on, indexed by the block layer's tag.

use super::command::{
    Command,
    Done, //
};
use super::status::{
    HostByte,
    Status, //
};
use super::tag_slot::TagSlot;
use super::template::LowLevelDriver;
use crate::generation::Generation;
use core::marker::PhantomData;
use core::sync::atomic::{
    AtomicBool,
    Ordering, //
};
use kernel::prelude::*;
use storage::doorbell::Posting;
use storage::rcu::ReadSide;

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
    /// It is the table of a host: no other takes commands, of which error handling would know nothing.
    adopted: AtomicBool,
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
            adopted: AtomicBool::new(false),
            _driver: PhantomData,
        })
    }

    /// Makes it the table of a host that is about to be registered. Any context.
    ///
    /// # Errors
    ///
    /// `EBUSY` if it is that of another host.
    pub(super) fn adopt(&self) -> Result {
        match self.adopted.swap(true, Ordering::Relaxed) {
            false => Ok(()),
            true => Err(EBUSY),
        }
    }

    #[inline]
    fn slot(&self, tag: u32) -> Option<&TagSlot> {
        self.slots.get(usize::try_from(tag).ok()?)
    }

    /// Claims the place of a command in the table, before anything is written that hardware reads for this
    /// tag: frame, scatter list, sense buffer. Any context.
    ///
    /// # Errors
    ///
    /// The command comes back if its tag is still occupied, by a command that the hardware may have, or if the
    /// table is not the one that [`LowLevelDriver::in_flight`] had when the host was registered.
    #[inline]
    pub fn reserve<'c>(
        &self,
        command: Command<'c, T>,
    ) -> Result<Reserved<'c, '_, T>, Command<'c, T>> {
        let tag = command.tag();
        // Relaxed: set before the host was registered, which comes before its first command.
        if !self.adopted.load(Ordering::Relaxed) {
            return Err(command);
        }
        let Some(slot) = self.slot(tag) else {
            return Err(command);
        };
        match slot.reserve() {
            // INVARIANT: just reserved as this generation.
            Some(generation) => Ok(Reserved {
                command,
                slot,
                flight: Flight { tag, generation },
            }),
            None => Err(command),
        }
    }

    /// Takes the command of exactly this flight out, and has `finish` complete it. Any context, inside a
    /// read-side section, which error handling waits for before it uses the command's memory.
    ///
    /// False, and nothing happens, if another caller has taken it, or if the tag or the generation is not
    /// of a command in flight.
    #[inline]
    pub fn land(
        &self,
        _section: ReadSide<'_>,
        flight: Flight,
        finish: impl for<'c> FnOnce(Command<'c, T>) -> Done<'c>,
    ) -> bool {
        let taken = self
            .slot(flight.tag)
            .and_then(|slot| slot.take(flight.generation));
        let Some(raw) = taken else {
            return false;
        };
        // SAFETY: `raw` comes from `into_raw` of the same `T`, by the invariant of the table, and this is
        // the only call for it: a slot gives a payload once, by the invariant of `TagSlot`.
        let command = unsafe { Command::from_raw(raw.cast()) };
        let _: Done<'_> = finish(command);
        true
    }

    /// The flight that a tag is on, if any. Any context.
    pub fn flight(&self, tag: u32) -> Option<Flight> {
        let generation = self.slot(tag)?.generation_if_busy()?;
        Some(Flight { tag, generation })
    }

    /// Takes out every command, one after another, and has `finish` complete it; returns how many there
    /// were.
    ///
    /// For a reset sweep: the hardware must have been proven to hold none of them. A command whose place
    /// is only reserved is missed: new commands must be kept out before. Any context.
    pub fn sweep(&self, mut finish: impl for<'c> FnMut(Command<'c, T>) -> Done<'c>) -> usize {
        (0..)
            .map_while(|tag| self.slot(tag).map(|_| tag))
            .filter_map(|tag| self.flight(tag))
            .filter(|flight| {
                let section = kernel::sync::rcu::read_lock();
                self.land(ReadSide::of(&section), *flight, &mut finish)
            })
            .count()
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
    /// Completes what is left with an error.
    fn drop(&mut self) {
        self.sweep(|command| command.complete(Status::host(HostByte::Error)));
    }
}

/// A command whose place in the table is claimed: what hardware reads for its tag may be written.
///
/// # Invariants
///
/// `slot` is the slot of the flight's tag, reserved as the flight's generation, by this value alone.
#[must_use = "it is posted, completed or given back"]
pub struct Reserved<'c, 't, T: LowLevelDriver> {
    command: Command<'c, T>,
    slot: &'t TagSlot,
    flight: Flight,
}

impl<'c, T: LowLevelDriver> Reserved<'c, '_, T> {
    /// What hardware is to give back with its answer. Any context.
    #[inline]
    pub fn flight(&self) -> Flight {
        self.flight
    }

    /// The command. Any context.
    #[inline]
    pub fn command(&self) -> &Command<'c, T> {
        &self.command
    }

    /// The command, to map its data. Any context.
    #[inline]
    pub fn command_mut(&mut self) -> &mut Command<'c, T> {
        &mut self.command
    }

    /// Gives the place back, and returns the command: hardware does not get it. Any context.
    #[inline]
    pub fn cancel(self) -> Command<'c, T> {
        self.slot.cancel(self.flight.generation);
        self.command
    }

    /// Moves the command into the table and then has `doorbell` hand it to the hardware, which has been
    /// written all that it reads. The command may have been completed when this returns. Any context that
    /// `doorbell` allows.
    #[inline]
    pub fn post(self, doorbell: impl FnOnce(Posting<'_>)) -> Done<'c> {
        let (raw, done) = self.command.into_raw();
        // INVARIANT: the payload comes from `into_raw`.
        self.slot.publish(self.flight.generation, raw.cast());
        // SAFETY: a posting wants a command that was recorded: `publish` above has put it into the table.
        doorbell(unsafe { Posting::new() });
        done
    }
}
