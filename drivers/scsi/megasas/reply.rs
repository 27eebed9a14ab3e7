// SPDX-License-Identifier: GPL-2.0

//! A command's way back: interrupts, the reply ring, and what an answer means.

use crate::adapter::{
    ring,
    Adapter, //
};
use crate::frame::Completion;
use crate::model::Cause;
use crate::params;
use crate::regs;
use crate::reply_ring::{
    self,
    Context, //
};
use crate::status::Outcome;
use core::sync::atomic::{
    fence,
    Ordering, //
};
use kernel::device::{
    Bound,
    Device, //
};
use kernel::io::Io;
use kernel::prelude::*;
use storage::dma::{
    self,
    Slot, //
};
use storage::irq::{
    Handler,
    Line,
    Look,
    Poller, //
};
use storage::rcu::ReadSide;
use storage_scsi::{
    Command,
    Done,
    Flight,
    HostByte,
    SamStatus,
    Status,
    SENSE_LENGTH, //
};

impl Adapter {
    /// As [`Adapter::drain`], for code that is in no read-side section. Any context.
    pub(crate) fn drain_here(&self, dev: &Device<Bound>) {
        let guard = kernel::sync::rcu::read_lock();
        self.drain(dev, ReadSide::of(&guard));
    }

    /// Takes the replies out of the ring and completes what they belong to. Any context; of several callers
    /// one does the work.
    ///
    /// A device that answers faster than this can go on for ever gets two rings full of its answers taken
    /// in one call.
    pub(crate) fn drain(&self, dev: &Device<Bound>, section: ReadSide<'_>) {
        let Some(memory) = self.ring.slot(0) else {
            return;
        };
        let mut budget = 2 * self.limits.commands.get();
        loop {
            if self.draining.swap(true, Ordering::Acquire) {
                // The other one looks again after it has let go.
                return;
            }
            let more = self.drain_claimed(dev, section, &memory, &mut budget);
            self.draining.store(false, Ordering::Release);
            // Whoever finds the claim taken until here relies on this look being later.
            fence(Ordering::SeqCst);
            if !more || !self.has_replies(&memory) {
                break;
            }
        }
        if budget == 0 {
            self.poller.kick_now();
        }
    }

    /// Offset of the pair of indices in use.
    #[inline]
    pub(crate) fn indices(&self) -> usize {
        // CAST: 0 or `ring::PAIR`.
        self.indices.load(Ordering::Relaxed) as usize
    }

    fn producer(&self, memory: &Slot<'_>) -> u32 {
        match memory.read::<1>(self.indices() + ring::PRODUCER) {
            Ok([producer]) => u32::from_le(producer),
            Err(_) => u32::MAX,
        }
    }

    fn has_replies(&self, memory: &Slot<'_>) -> bool {
        let consumer = self.consumer.load(Ordering::Relaxed);
        reply_ring::pending(consumer, self.producer(memory), self.limits.commands.get())
            .is_some_and(|pending| pending != 0)
    }

    /// Returns false if the ring cannot be believed, or the budget is used up.
    fn drain_claimed(
        &self,
        dev: &Device<Bound>,
        section: ReadSide<'_>,
        memory: &Slot<'_>,
        budget: &mut u32,
    ) -> bool {
        let entries = self.limits.commands.get();
        while *budget != 0 {
            let consumer = self.consumer.load(Ordering::Relaxed);
            let producer = self.producer(memory);
            let Some(pending) = reply_ring::pending(consumer, producer, entries) else {
                self.count_stray(dev);
                return false;
            };
            if pending == 0 {
                return true;
            }
            *budget = budget.saturating_sub(pending);
            // The entries were written before the index that announces them.
            dma::read_barrier();
            let mut at = consumer;
            for _ in 0..pending {
                let offset = ring::ENTRIES + at as usize * size_of::<u32>();
                if let Ok([entry]) = memory.read::<1>(offset) {
                    self.reply(dev, section, Context::from_u32(u32::from_le(entry)));
                }
                at = reply_ring::next(at, entries);
            }
            self.consumer.store(at, Ordering::Relaxed);
            let taken = self.taken.load(Ordering::Relaxed).wrapping_add(pending);
            self.taken.store(taken, Ordering::Relaxed);
            // The index only moves inside the slot.
            let _ = memory.write(self.indices() + ring::CONSUMER, [at.to_le()]);
        }
        false
    }

    #[inline]
    fn reply(&self, dev: &Device<Bound>, section: ReadSide<'_>, context: Context) {
        let (index, generation) = context.split();
        if index < self.tags {
            let flight = Flight {
                tag: index,
                generation,
            };
            if !self.in_flight.land(section, flight, |command| {
                self.finish(dev, section, index, command)
            }) {
                self.count_stray(dev);
            }
        } else {
            let context = storage::mailbox::Context {
                index: index - self.tags,
                generation,
            };
            if !self.mailbox.answer(context) {
                self.count_stray(dev);
            }
        }
    }

    /// An interrupt was acknowledged: says so if it was not about replies. Any context.
    #[inline]
    fn acknowledged(&self, dev: &Device<Bound>, cause: Option<Cause>) {
        if cause.is_some_and(|cause| cause.state_change) {
            self.tell_state(dev);
        }
    }

    /// The firmware's state has changed. What commands it has dropped comes to light by their timeouts.
    #[cold]
    fn tell_state(&self, dev: &Device<Bound>) {
        if let Ok(bar) = self.bar.access(dev) {
            dev_warn!(
                dev,
                "firmware state changed to {:?}\n",
                bar.read(regs::OSP0).firmware_state()
            );
        }
    }

    /// A reply that belongs to nothing: told once, counted, ignored.
    #[cold]
    fn count_stray(&self, dev: &Device<Bound>) {
        if self.strays.fetch_add(1, Ordering::Relaxed) == 0 {
            dev_warn!(dev, "a reply that belongs to no command was ignored\n");
        }
    }

    /// Completes a command from what the firmware wrote into its frame.
    #[inline]
    fn finish<'c>(
        &self,
        dev: &Device<Bound>,
        section: ReadSide<'_>,
        tag: u32,
        command: Command<'c, Self>,
    ) -> Done<'c> {
        let Some(frame) = self.frames.slot(tag) else {
            return command.complete(Status::host(HostByte::Error));
        };
        let Ok(words) = frame.read(0) else {
            return command.complete(Status::host(HostByte::Error));
        };
        let done = Completion::from_words(words);
        let status = match Outcome::new(done.cmd_status, done.scsi_status) {
            Outcome::Good => Status::GOOD,
            Outcome::CheckCondition => Status::sam(SamStatus::CheckCondition),
            Outcome::Busy => Status::sam(SamStatus::Busy),
            Outcome::TaskSetFull => Status::sam(SamStatus::TaskSetFull),
            Outcome::ReservationConflict => Status::sam(SamStatus::ReservationConflict),
            Outcome::NoConnect => Status::host(HostByte::NoConnect),
            Outcome::Error | Outcome::Unknown(_) => Status::host(HostByte::Error),
        };
        if status == Status::GOOD {
            return command.complete_here(section, status);
        }
        if params::debugging(params::debug::FAILED) {
            dev_info!(
                dev,
                "tag {}: opcode {:#04x} ended with MFI status {:?}, SCSI status {:?}\n",
                tag,
                command.cdb().first().copied().unwrap_or_default(),
                done.cmd_status,
                done.scsi_status
            );
        }
        if status == Status::sam(SamStatus::CheckCondition) {
            let mut sense = [0; SENSE_LENGTH];
            if frame.read_bytes(self.sense_offset(), &mut sense).is_ok() {
                let len = usize::from(done.sense_len).min(SENSE_LENGTH);
                let sense = sense.get(..len).unwrap_or(&sense);
                return command.complete_with_sense(section, status, sense);
            }
        }
        command.complete_here(section, status)
    }
}

impl Handler for Adapter {
    fn message(&self, dev: &Device<Bound>, section: ReadSide<'_>, _vector: u32) {
        // The status may say nothing here; if it does, it has to be acknowledged as on the line.
        if let (false, Ok(controller)) = (self.quiet.is_quiet(), self.controller(dev)) {
            self.acknowledged(dev, controller.acknowledge());
        }
        self.drain(dev, section);
    }

    fn line(&self, dev: &Device<Bound>, section: ReadSide<'_>) -> Line {
        let Ok(controller) = self.controller(dev) else {
            return Line::NotOurs;
        };
        // Whether it is ours cannot be asked: as the C driver does, it is taken for handled.
        if self.quiet.is_quiet() {
            return Line::Ours;
        }
        let cause = controller.acknowledge();
        if cause.is_none() {
            return Line::NotOurs;
        }
        self.acknowledged(dev, cause);
        self.drain(dev, section);
        Line::Ours
    }

    fn poll(&self, dev: &Device<Bound>, section: ReadSide<'_>) {
        self.drain(dev, section);
    }

    fn look(&self) -> Look {
        let waiting = self
            .ring
            .slot(0)
            .is_some_and(|memory| self.has_replies(&memory));
        Look {
            outstanding: waiting || !self.in_flight.is_empty(),
            answered: waiting.then(|| self.taken.load(Ordering::Relaxed)),
        }
    }

    fn poller(&self) -> &Poller {
        &self.poller
    }
}
