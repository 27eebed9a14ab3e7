// SPDX-License-Identifier: GPL-2.0

//! One adapter: its memory, the way of a command to the firmware, and the way back.

use crate::cdb::{
    self,
    BlockIo,
    Cdb, //
};
use crate::frame::{
    Completion,
    IoFrame,
    PassFrame,
    PassTo, //
};
use crate::regs;
use crate::reply_ring::{
    self,
    Context, //
};
use crate::sgl::Format;
use crate::status::{
    Outcome,
    TargetAddress,
    TargetKind, //
};
use core::num::NonZero;
use core::sync::atomic::{
    AtomicBool,
    AtomicU32,
    Ordering, //
};
use kernel::bitmap::BitmapVec;
use kernel::device::{
    Bound,
    Device, //
};
use kernel::devres::Devres;
use kernel::io::Io;
use kernel::pci;
use kernel::prelude::*;
use storage::dma::{
    self,
    Pool,
    Slot, //
};
use storage::irq::{
    Handler,
    Line, //
};
use storage::mailbox::Mailbox;
use storage::scsi::{
    Command,
    Flight,
    HostByte,
    InFlight,
    Rejected,
    SamStatus,
    Status,
    SENSE_LENGTH, //
};

/// Firmware commands outstanding at a time.
pub(crate) const INTERNAL: u32 = 8;

/// Commands that the firmware is told of but the host does not use: as `megaraid_sas` reserves them.
pub(crate) const RESERVED: u32 = 1 + 32;

/// Bytes that the device maps from a frame's address, whatever the frame needs.
const FRAME_WINDOW: usize = 2048;

/// Bytes of the data buffer of each firmware command.
pub(crate) const DATA_BYTES: usize = 8192;

/// Bytes for sense data behind each frame.
const SENSE_ROOM: usize = SENSE_LENGTH.next_multiple_of(64);

/// The registers.
pub(crate) type Bar = pci::Bar<'static, { regs::SIZE }>;

/// The differences between the two generations.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Model {
    /// 1078: PCI, registers in BAR 0.
    Gen1,
    /// 2108: PCI Express, registers in BAR 1.
    Gen2,
}

impl Model {
    pub(crate) fn bar(self) -> u32 {
        match self {
            Self::Gen1 => 0,
            Self::Gen2 => 1,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Gen1 => "SAS 1078",
            Self::Gen2 => "SAS 2108",
        }
    }
}

/// Whether commands can be sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub(crate) enum Health {
    /// The firmware has its queues.
    Operational,
    /// A reset is going on: commands have to wait.
    Resetting,
    /// The adapter is gone or does not come back: commands fail.
    Dead,
}

/// What the firmware announced in OSP0, cut to what the driver takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FirmwareLimits {
    /// Commands, the entries of the reply ring.
    pub(crate) commands: NonZero<u32>,
    /// Entries of a scatter list.
    pub(crate) sges: NonZero<u8>,
    /// How they are written.
    pub(crate) format: Format,
}

/// Places in the reply ring's memory.
pub(crate) mod ring {
    /// The index that the firmware moves.
    pub(crate) const PRODUCER: usize = 0;
    /// The index that the driver moves.
    pub(crate) const CONSUMER: usize = 4;
    /// A few bytes that nobody uses, for commands without data.
    pub(crate) const SCRATCH: usize = 32;
    /// Bytes of them.
    pub(crate) const SCRATCH_BYTES: u32 = 32;
    /// The ring itself.
    pub(crate) const ENTRIES: usize = 64;
}

/// One adapter.
pub(crate) struct Adapter {
    pub(crate) bar: Devres<Bar>,
    pub(crate) model: Model,
    pub(crate) limits: FirmwareLimits,
    /// Tags of the host: commands beyond are the firmware commands.
    pub(crate) tags: u32,
    /// A frame and its sense data for each command.
    pub(crate) frames: Pool,
    /// A data buffer for each firmware command.
    pub(crate) data: Pool,
    /// The reply ring, in one slot.
    pub(crate) ring: Pool,
    /// Where the driver reads the ring next; the holder of `draining` moves it.
    pub(crate) consumer: AtomicU32,
    pub(crate) draining: AtomicBool,
    pub(crate) in_flight: InFlight<Adapter>,
    pub(crate) mailbox: Mailbox,
    health: AtomicU32,
    /// Replies that belong to no command.
    pub(crate) strays: AtomicU32,
    /// Resets since the driver was bound.
    pub(crate) resets: AtomicU32,
    /// Targets that the firmware listed.
    pub(crate) present: Present,
    pub(crate) settings: crate::params::Settings,
}

/// The targets that the firmware listed.
pub(crate) struct Present {
    pub(crate) logical: BitmapVec,
    pub(crate) physical: BitmapVec,
}

impl Present {
    pub(crate) fn new() -> Result<Self> {
        let ids = 2 * TargetAddress::IDS_PER_CHANNEL as usize;
        Ok(Self {
            logical: BitmapVec::new(ids, GFP_KERNEL)?,
            physical: BitmapVec::new(ids, GFP_KERNEL)?,
        })
    }
}

impl Adapter {
    pub(crate) fn new(
        dev: &Device<Bound>,
        bar: Devres<Bar>,
        model: Model,
        limits: FirmwareLimits,
        settings: crate::params::Settings,
    ) -> Result<Self> {
        let tags = limits
            .commands
            .get()
            .checked_sub(RESERVED)
            .filter(|tags| *tags != 0)
            .ok_or(EINVAL)?;
        let stride = limits.format.stride(usize::from(limits.sges.get())) + SENSE_ROOM;
        let entries = usize::try_from(limits.commands.get())?;
        let ring_bytes = (ring::ENTRIES + entries * size_of::<u32>()).next_multiple_of(64);
        Ok(Self {
            bar,
            model,
            limits,
            tags,
            frames: Pool::new(dev, tags + INTERNAL, stride, FRAME_WINDOW)?,
            data: Pool::new(dev, INTERNAL, DATA_BYTES, 0)?,
            ring: Pool::new(dev, 1, ring_bytes, 0)?,
            consumer: AtomicU32::new(0),
            draining: AtomicBool::new(false),
            in_flight: InFlight::new(tags)?,
            mailbox: Mailbox::new(INTERNAL)?,
            health: AtomicU32::new(Health::Resetting as u32),
            strays: AtomicU32::new(0),
            resets: AtomicU32::new(0),
            present: Present::new()?,
            settings,
        })
    }

    #[inline]
    pub(crate) fn health(&self) -> Health {
        match self.health.load(Ordering::Acquire) {
            0 => Health::Operational,
            1 => Health::Resetting,
            _ => Health::Dead,
        }
    }

    pub(crate) fn set_health(&self, health: Health) {
        self.health.store(health as u32, Ordering::Release);
    }

    /// Where in a slot of `frames` the sense data go.
    #[inline]
    fn sense_offset(&self) -> usize {
        self.limits
            .format
            .stride(usize::from(self.limits.sges.get()))
    }

    /// Rings the doorbell for a frame. Any context.
    #[inline]
    pub(crate) fn ring_doorbell(&self, dev: &Device<Bound>, frame: &Slot<'_>, extra: u8) {
        let Ok(bar) = self.bar.access(dev) else {
            return;
        };
        // Coherent memory is below 4 GiB, see `dma::set_masks`; frames are aligned to 64 bytes.
        // CAST: see above.
        let value = frame.address() as u32 | u32::from(extra) << 1 | 1;
        bar.write_reg(regs::IQP::from(value));
    }

    /// Starts a command; see `LowLevelDriver::queue`.
    #[inline]
    pub(crate) fn start(
        &self,
        dev: &Device<Bound>,
        mut command: Command<Self>,
    ) -> Result<(), Rejected<Self>> {
        match self.health() {
            Health::Operational => {}
            Health::Resetting => return Err(command.reject_host_busy()),
            Health::Dead => {
                command.complete(Status::host(HostByte::NoConnect));
                return Ok(());
            }
        }
        let at = command.device().address();
        let Some(target) = TargetAddress::from_scsi(at.channel, at.id, at.lun) else {
            command.complete(Status::host(HostByte::BadTarget));
            return Ok(());
        };
        let Some(frame) = self.frames.slot(command.tag()) else {
            command.complete(Status::host(HostByte::Error));
            return Ok(());
        };
        let block_io = match target.kind() {
            TargetKind::Logical => BlockIo::decode(command.cdb()),
            TargetKind::Physical => None,
        };
        let header = match block_io {
            Some(_) => IoFrame::BYTES,
            None => PassFrame::BYTES,
        };
        let Ok(sges) = self.write_sges(&mut command, &frame, header) else {
            return Err(command.reject_host_busy());
        };
        let direction = match command.direction() {
            storage::scsi::Direction::None => None,
            storage::scsi::Direction::FromDevice => Some(cdb::Direction::Read),
            storage::scsi::Direction::ToDevice => Some(cdb::Direction::Write),
        };
        let data_len = command.transfer_length();
        // A CDB that the firmware cannot take must not be cut: the command fails.
        let pass_cdb = match block_io {
            Some(_) => None,
            None => match Cdb::new(command.cdb()) {
                Some(cdb) => Some(cdb),
                None => {
                    command.complete(Status::host(HostByte::Error));
                    return Ok(());
                }
            },
        };
        let flight = match self.in_flight.launch(command) {
            Ok(flight) => flight,
            Err(command) => return Err(command.reject_host_busy()),
        };
        let sense_addr = frame.address() + self.sense_offset() as u64;
        // CAST: SENSE_LENGTH is 96.
        let sense_len = SENSE_LENGTH as u8;
        let written = Context::new(flight.tag, flight.generation)
            .ok_or(EINVAL)
            .and_then(|context| match (block_io, pass_cdb) {
                (Some(io), _) => {
                    let io = IoFrame {
                        direction: io.direction,
                        target: target.target(),
                        context,
                        flags: self.limits.format.flags(),
                        sge_count: sges,
                        timeout: 0,
                        lba: io.lba,
                        blocks: io.blocks,
                        sense_addr,
                        sense_len,
                    };
                    frame.write(0, &io.encode())
                }
                (None, Some(cdb)) => {
                    let pass = PassFrame {
                        to: match target.kind() {
                            TargetKind::Logical => PassTo::Logical,
                            TargetKind::Physical => PassTo::Physical,
                        },
                        target: target.target(),
                        lun: target.lun(),
                        context,
                        flags: self.limits.format.flags(),
                        sge_count: sges,
                        timeout: 0,
                        direction,
                        data_len,
                        sense_addr,
                        sense_len,
                        cdb,
                    };
                    frame.write(0, &pass.encode())
                }
                (None, None) => Err(EINVAL),
            });
        if written.is_err() {
            // The firmware has not seen it.
            if let Some(command) = self.in_flight.land(flight) {
                command.complete(Status::host(HostByte::Error));
            }
            return Ok(());
        }
        let extra = self.limits.format.extra_units(header, usize::from(sges));
        self.ring_doorbell(dev, &frame, extra);
        Ok(())
    }

    /// Writes the scatter list behind a frame's fixed part; returns the number of entries.
    #[inline]
    fn write_sges(
        &self,
        command: &mut Command<Self>,
        frame: &Slot<'_>,
        header: usize,
    ) -> Result<u8> {
        let format = self.limits.format;
        let mut offset = header;
        let mut count = 0u8;
        for segment in command.map_data()? {
            if count >= self.limits.sges.get() {
                return Err(EINVAL);
            }
            let sge = format
                .encode(segment.address, segment.length)
                .map_err(|_| EINVAL)?;
            frame.write(offset, sge.as_words())?;
            offset += format.bytes();
            count += 1;
        }
        if count == 0 {
            // The firmware answers a frame without an entry with a hardware error.
            let scratch = self.ring.slot(0).ok_or(EINVAL)?.address() + ring::SCRATCH as u64;
            let sge = format
                .encode(scratch, ring::SCRATCH_BYTES)
                .map_err(|_| EINVAL)?;
            frame.write(offset, sge.as_words())?;
            count = 1;
        }
        Ok(count)
    }

    /// Takes every reply out of the ring and completes what it belongs to. Any context; of several callers
    /// one does the work.
    pub(crate) fn drain(&self) {
        let Some(memory) = self.ring.slot(0) else {
            return;
        };
        loop {
            if self.draining.swap(true, Ordering::Acquire) {
                // The other one looks again after it has let go.
                return;
            }
            let more = self.drain_claimed(&memory);
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
    fn drain_claimed(&self, memory: &Slot<'_>) -> bool {
        let entries = self.limits.commands.get();
        loop {
            let consumer = self.consumer.load(Ordering::Relaxed);
            let producer = Self::producer(memory);
            let Some(pending) = reply_ring::pending(consumer, producer, entries) else {
                self.count_stray();
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
                    self.reply(Context::from_u32(u32::from_le(entry)));
                }
                at = reply_ring::next(at, entries);
            }
            self.consumer.store(at, Ordering::Relaxed);
            // The index only moves inside the slot.
            let _ = memory.write(ring::CONSUMER, &[at.to_le()]);
        }
    }

    #[inline]
    fn reply(&self, context: Context) {
        let (index, generation) = context.split();
        if index < self.tags {
            let flight = Flight {
                tag: index,
                generation,
            };
            match self.in_flight.land(flight) {
                Some(command) => self.finish(index, command),
                None => self.count_stray(),
            }
        } else {
            let context = storage::mailbox::Context {
                index: index - self.tags,
                generation,
            };
            if !self.mailbox.answer(context) {
                self.count_stray();
            }
        }
    }

    /// A reply that belongs to nothing: told once, counted, ignored.
    #[cold]
    fn count_stray(&self) {
        if self.strays.fetch_add(1, Ordering::Relaxed) == 0 {
            pr_warn!("a reply that belongs to no command was ignored\n");
        }
    }

    /// Completes a command from what the firmware wrote into its frame.
    #[inline]
    fn finish(&self, tag: u32, mut command: Command<Self>) {
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
        command.complete(status);
    }
}

impl Handler for Adapter {
    fn message(&self, _dev: &Device<Bound>, _vector: u32) {
        self.drain();
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
        self.drain();
        Line::Ours
    }
}
