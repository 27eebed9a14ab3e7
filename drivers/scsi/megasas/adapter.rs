// SPDX-License-Identifier: GPL-2.0

//! One adapter: its registers, its memory and its state.

use crate::model::Model;
use crate::regs;
use crate::reset::{
    Controller,
    Quiet, //
};
use crate::sgl::Format;
use crate::status::{
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
use kernel::fmt;
use kernel::io::Io;
use kernel::pci;
use kernel::prelude::*;
use kernel::sync::{
    new_mutex,
    Mutex, //
};
use kernel::time::Delta;
use storage::dma::{
    Pool,
    Slot, //
};
use storage::doorbell::Posting;
use storage::irq::Poller;
use storage::mailbox::Mailbox;
use storage::pci::DevresBar;
use storage_scsi::{
    InFlight,
    SENSE_LENGTH, //
};

/// Firmware commands outstanding at a time.
pub(crate) const INTERNAL: u32 = 8;

/// Commands that the firmware is told of but the host does not use: as `megaraid_sas` reserves them.
pub(crate) const RESERVED: u32 = 1 + 32;

/// Commands of the host in a capture kernel, where memory is scarce: a dump is written one after another.
/// The reply ring has its full size all the same, see [`FirmwareLimits::commands`].
const CAPTURE_COMMANDS: u32 = 64;

/// Most entries of a scatter list that the driver makes.
pub(crate) const MAX_SGES: u8 = 80;

/// Bytes that the device maps from a frame's address, whatever the frame needs. They have to be contiguous
/// for it: a [`Pool`] guarantees that for its slots and their tails.
const FRAME_WINDOW: usize = 2048;

// No frame is longer.
const _: () = assert!(Format::Ieee.stride(MAX_SGES as usize) <= FRAME_WINDOW);

/// Bytes of the data buffer of each firmware command.
pub(crate) const DATA_BYTES: usize = 8192;

/// Bytes for sense data behind each frame.
const SENSE_ROOM: usize = SENSE_LENGTH.next_multiple_of(64);

/// The registers.
pub(crate) type Bar<'a> = pci::Bar<'a, { regs::SIZE }>;

/// The interrupt in use, and why not a better one, for the log.
pub(crate) struct Interrupt<'a>(pub(crate) &'a Poller);

impl fmt::Display for Interrupt<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} (refused: ", self.0.mode())?;
        self.0.write_refused(out)?;
        write!(out, ")")
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
    /// The index that the firmware moves, of the first pair.
    pub(crate) const PRODUCER: usize = 0;
    /// The index that the driver moves, of the first pair.
    pub(crate) const CONSUMER: usize = 4;
    /// Bytes from one pair of indices to the other. A reset gives the firmware the pair that its queues before
    /// the reset did not have: an answer that moves the new index comes from firmware that has new queues.
    pub(crate) const PAIR: usize = 8;
    /// A few bytes that nobody uses, for commands without data.
    pub(crate) const SCRATCH: usize = 32;
    /// Bytes of them.
    pub(crate) const SCRATCH_BYTES: u32 = 32;
    /// The ring itself.
    pub(crate) const ENTRIES: usize = 64;
}

/// One adapter.
pub(crate) struct Adapter {
    pub(crate) bar: DevresBar<{ regs::SIZE }>,
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
    /// Offset of the pair of indices in use, 0 or [`ring::PAIR`]; the holder of `draining` changes it.
    pub(crate) indices: AtomicU32,
    /// The pair that the firmware has answered by last; the holder of `recovering` changes it.
    pub(crate) proven_indices: AtomicU32,
    /// Where the driver reads the ring next; the holder of `draining` moves it.
    pub(crate) consumer: AtomicU32,
    pub(crate) draining: AtomicBool,
    /// Replies taken out of the ring so far, modulo 2^32; the holder of `draining` moves it.
    pub(crate) taken: AtomicU32,
    /// Polls where there is no interrupt, and watches where there is one.
    pub(crate) poller: Pin<KBox<Poller>>,
    /// Held by whoever resets or stops the firmware.
    pub(crate) recovering: Pin<KBox<Mutex<()>>>,
    pub(crate) in_flight: InFlight<Adapter>,
    pub(crate) mailbox: Mailbox,
    health: AtomicU32,
    /// Whether the registers may be accessed.
    pub(crate) quiet: Quiet,
    /// Replies that belong to no command.
    pub(crate) strays: AtomicU32,
    /// Resets since the driver was bound.
    pub(crate) resets: AtomicU32,
    /// The firmware does not want to be reset while it has commands.
    pub(crate) no_online_reset: AtomicBool,
    /// Targets that the firmware listed. Held while it is asked for them.
    pub(crate) present: Pin<KBox<Mutex<Present>>>,
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

    /// Whether a target was listed.
    pub(crate) fn has(&self, target: TargetAddress) -> bool {
        let list = match target.kind() {
            TargetKind::Logical => &self.logical,
            TargetKind::Physical => &self.physical,
        };
        has(list, usize::from(target.target()))
    }

    /// How many logical and physical drives there are.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let count = |list: &BitmapVec| (0..list.len()).filter(|bit| has(list, *bit)).count();
        (count(&self.logical), count(&self.physical))
    }

    /// Whether the same targets were listed.
    pub(crate) fn same(&self, other: &Self) -> bool {
        let same = |one: &BitmapVec, other: &BitmapVec| {
            (0..one.len()).all(|bit| has(one, bit) == has(other, bit))
        };
        same(&self.logical, &other.logical) && same(&self.physical, &other.physical)
    }
}

fn has(list: &BitmapVec, bit: usize) -> bool {
    list.next_bit(bit) == Some(bit)
}

impl Adapter {
    pub(crate) fn new(
        dev: &Device<Bound>,
        bar: DevresBar<{ regs::SIZE }>,
        model: Model,
        limits: FirmwareLimits,
        settings: crate::params::Settings,
    ) -> Result<Self> {
        let most = match settings.capture_kernel {
            true => CAPTURE_COMMANDS,
            false => u32::MAX,
        };
        let tags = limits
            .commands
            .get()
            .checked_sub(RESERVED)
            .filter(|tags| *tags != 0)
            .ok_or(EINVAL)?
            .min(most);
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
            indices: AtomicU32::new(0),
            proven_indices: AtomicU32::new(0),
            consumer: AtomicU32::new(0),
            draining: AtomicBool::new(false),
            taken: AtomicU32::new(0),
            poller: Poller::new(Delta::from_micros(i64::from(settings.poll_period)))?,
            recovering: KBox::pin_init(new_mutex!(()), GFP_KERNEL)?,
            in_flight: InFlight::new(tags)?,
            mailbox: Mailbox::new(INTERNAL)?,
            health: AtomicU32::new(Health::Resetting as u32),
            quiet: Quiet::new(),
            strays: AtomicU32::new(0),
            resets: AtomicU32::new(0),
            no_online_reset: AtomicBool::new(false),
            present: KBox::pin_init(new_mutex!(Present::new()?), GFP_KERNEL)?,
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

    #[inline]
    pub(crate) fn is_operational(&self) -> bool {
        self.health.load(Ordering::Acquire) == Health::Operational as u32
    }

    /// For good.
    pub(crate) fn set_dead(&self) {
        self.health.store(Health::Dead as u32, Ordering::Release);
    }

    /// The firmware has its queues, and commands may come; false if the adapter is dead meanwhile.
    pub(crate) fn set_operational(&self) -> bool {
        self.health
            .compare_exchange(
                Health::Resetting as u32,
                Health::Operational as u32,
                Ordering::AcqRel,
                Ordering::Relaxed,
            )
            .is_ok()
    }

    /// Keeps commands away for a reset; false if the adapter is dead.
    pub(crate) fn set_resetting(&self) -> bool {
        self.health
            .compare_exchange(
                Health::Operational as u32,
                Health::Resetting as u32,
                Ordering::AcqRel,
                Ordering::Relaxed,
            )
            .map_or_else(|now| now == Health::Resetting as u32, |_| true)
    }

    /// Bytes of memory that the adapter holds: what the device reads and writes, and the tables beside it.
    pub(crate) fn memory(&self) -> usize {
        let tables = self.in_flight.bytes() + self.mailbox.bytes() + size_of::<Self>();
        self.frames.bytes() + self.data.bytes() + self.ring.bytes() + tables
    }

    /// Where in a slot of `frames` the sense data go.
    #[inline]
    pub(crate) fn sense_offset(&self) -> usize {
        self.limits
            .format
            .stride(usize::from(self.limits.sges.get()))
    }

    /// The registers that concern the controller as a whole.
    ///
    /// # Errors
    ///
    /// `ENXIO` if the driver is being unbound.
    #[inline]
    pub(crate) fn controller<'a>(&'a self, dev: &'a Device<Bound>) -> Result<Controller<'a>> {
        Ok(Controller {
            dev,
            bar: self.bar.access(dev)?,
            model: self.model,
            quiet: &self.quiet,
        })
    }

    /// True if the device does not answer any more: it was pulled out. During a reset it is not asked, as it may
    /// not answer for a while: the reset itself finds out. Any context.
    pub(crate) fn is_gone(&self, dev: &Device<Bound>) -> bool {
        let _section = kernel::sync::rcu::read_lock();
        if self.health() == Health::Resetting || self.quiet.is_quiet() {
            return false;
        }
        match self.bar.access(dev) {
            Ok(bar) => bar.read(regs::OSP0).is_gone(),
            Err(_) => true,
        }
    }

    /// Rings the doorbell for a frame. Any context.
    #[inline]
    pub(crate) fn ring_doorbell(
        &self,
        dev: &Device<Bound>,
        frame: &Slot<'_>,
        extra: u8,
        posting: Posting<'_>,
    ) {
        let Ok(bar) = self.bar.access(dev) else {
            return;
        };
        // Coherent memory is below 4 GiB, see `storage::pci::Driver`; frames are aligned to 64 bytes.
        // CAST: see above.
        let value = frame.address() as u32 | u32::from(extra) << 1 | 1;
        regs::post_frame(bar, value, posting);
        self.poller.kick();
    }

    /// The registers and the place of the reply ring, for sysfs.
    pub(crate) fn show_registers(
        &self,
        dev: &Device<Bound>,
        out: &mut dyn fmt::Write,
    ) -> fmt::Result {
        let Ok(bar) = self.bar.access(dev) else {
            return Ok(());
        };
        let _section = kernel::sync::rcu::read_lock();
        if self.quiet.is_quiet() {
            return writeln!(
                out,
                "the adapter is being reset, its registers are not read"
            );
        }
        writeln!(out, "[30]: {:08x}", bar.read(regs::OSTS).into_raw())?;
        writeln!(out, "[34]: {:08x}", bar.read(regs::OMSK).into_raw())?;
        writeln!(out, "[b0]: {:08x}", bar.read(regs::OSP0).into_raw())?;
        if let Some(memory) = self.ring.slot(0) {
            let (at, entries) = (memory.address(), self.limits.commands.get());
            writeln!(out, "reply ring: {:#x}, {} entries", at, entries)?;
        }
        Ok(())
    }
}
