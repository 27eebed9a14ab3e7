// SPDX-License-Identifier: GPL-2.0

//! A command's way back: interrupts, the reply ring, and what an answer means.

use crate::adapter::{
    ring,
    Adapter,
    Model, //
};
use crate::frame::Completion;
use crate::params;
use crate::regs;
use crate::reply_ring::{
    self,
    Context, //
};
use crate::status::Outcome;
use core::sync::atomic::Ordering;
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
    Line, //
};
use storage::scsi::{
    Command,
    Flight,
    HostByte,
    SamStatus,
    Status,
    SENSE_LENGTH, //
};

impl Adapter {
    /// Takes every reply out of the ring and completes what it belongs to. Any context; of several callers
    /// one does the work.
    pub(crate) fn drain(&self, dev: &Device<Bound>) {
        let Some(memory) = self.ring.slot(0) else {
            return;
        };
        loop {
            if self.draining.swap(true, Ordering::Acquire) {
                // The other one looks again after it has let go.
                return;
            }
            let more = self.drain_claimed(dev, &memory);
            self.draining.store(false, Ordering::Release);
            if !more || !self.has_replies(&memory) {
                return;
            }
        }
    }

    fn producer(memory: &Slot<'_>) -> u32 {
        match memory.read::<1>(ring::PRODUCER) {
            Ok([producer]) => u32::from_le(producer),
            Err(_) => u32::MAX,
        }
    }

    fn has_replies(&self, memory: &Slot<'_>) -> bool {
        let consumer = self.consumer.load(Ordering::Relaxed);
        reply_ring::pending(consumer, Self::producer(memory), self.limits.commands.get())
            .is_some_and(|pending| pending != 0)
    }

    /// Returns false if the ring cannot be believed.
    fn drain_claimed(&self, dev: &Device<Bound>, memory: &Slot<'_>) -> bool {
        let entries = self.limits.commands.get();
        loop {
            let consumer = self.consumer.load(Ordering::Relaxed);
            let producer = Self::producer(memory);
            let Some(pending) = reply_ring::pending(consumer, producer, entries) else {
                self.count_stray(dev);
                return false;
            };
            if pending == 0 {
                return true;
            }
            // The entries were written before the index that announces them.
            dma::read_barrier();
            let mut at = consumer;
            for _ in 0..pending {
                let offset = ring::ENTRIES + at as usize * size_of::<u32>();
                if let Ok([entry]) = memory.read::<1>(offset) {
                    self.reply(dev, Context::from_u32(u32::from_le(entry)));
                }
                at = reply_ring::next(at, entries);
            }
            self.consumer.store(at, Ordering::Relaxed);
            // The index only moves inside the slot.
            let _ = memory.write(ring::CONSUMER, [at.to_le()]);
        }
    }

    #[inline]
    fn reply(&self, dev: &Device<Bound>, context: Context) {
        let (index, generation) = context.split();
        if index < self.tags {
            let flight = Flight {
                tag: index,
                generation,
            };
            match self.in_flight.land(flight) {
                Some(command) => self.finish(dev, index, command),
                None => self.count_stray(dev),
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

    /// A reply that belongs to nothing: told once, counted, ignored.
    #[cold]
    fn count_stray(&self, dev: &Device<Bound>) {
        if self.strays.fetch_add(1, Ordering::Relaxed) == 0 {
            dev_warn!(dev, "a reply that belongs to no command was ignored\n");
        }
    }

    /// Completes a command from what the firmware wrote into its frame.
    #[inline]
    fn finish(&self, dev: &Device<Bound>, tag: u32, mut command: Command<Self>) {
        let Some(frame) = self.frames.slot(tag) else {
            return;
        };
        let Ok(words) = frame.read(0) else {
            return;
        };
        let done = Completion::from_words(words);
        let status = match Outcome::new(done.cmd_status, done.scsi_status) {
            Outcome::Good => Status::GOOD,
            Outcome::CheckCondition => {
                let mut sense = [0; SENSE_LENGTH];
                if frame.read_bytes(self.sense_offset(), &mut sense).is_ok() {
                    let len = usize::from(done.sense_len).min(SENSE_LENGTH);
                    command.set_sense(sense.get(..len).unwrap_or(&sense));
                }
                Status::sam(SamStatus::CheckCondition)
            }
            Outcome::Busy => Status::sam(SamStatus::Busy),
            Outcome::TaskSetFull => Status::sam(SamStatus::TaskSetFull),
            Outcome::ReservationConflict => Status::sam(SamStatus::ReservationConflict),
            Outcome::NoConnect => Status::host(HostByte::NoConnect),
            Outcome::Error | Outcome::Unknown(_) => Status::host(HostByte::Error),
        };
        if status != Status::GOOD && params::debugging(params::debug::FAILED) {
            dev_info!(
                dev,
                "tag {}: opcode {:#04x} ended with MFI status {:?}, SCSI status {:?}\n",
                tag,
                command.cdb().first().copied().unwrap_or_default(),
                done.cmd_status,
                done.scsi_status
            );
        }
        command.complete_here(status);
    }
}

impl Handler for Adapter {
    fn message(&self, dev: &Device<Bound>, _vector: u32) {
        self.drain(dev);
    }

    fn line(&self, dev: &Device<Bound>) -> Line {
        let Ok(bar) = self.bar.access(dev) else {
            return Line::NotOurs;
        };
        let status = bar.read(regs::OSTS).into_raw();
        let ours = match self.model {
            Model::Gen1 => regs::OSTS::zeroed().with_const_reply_gen1::<1>(),
            Model::Gen2 => regs::OSTS::zeroed().with_const_reply::<1>(),
        };
        // All ones: the device is gone.
        if status == u32::MAX || status & ours.into_raw() == 0 {
            return Line::NotOurs;
        }
        bar.write_reg(regs::ODCR0::from(status));
        self.drain(dev);
        Line::Ours
    }
}
