// SPDX-License-Identifier: GPL-2.0

//! The firmware as a whole: its queues, and commands to itself.

use crate::adapter::{
    ring,
    Adapter,
    FirmwareLimits,
    Health,
    Present,
    DATA_BYTES,
    MAX_SGES, //
};
use crate::cdb::Direction;
use crate::dcmd::{
    DcmdFrame,
    Mbox,
    Opcode,
    DCMD_FORMAT, //
};
use crate::frame::{
    AbortFrame,
    Completion,
    InitFrame,
    QueueInfo, //
};
use crate::params;
use crate::payload::{
    ControllerInfo,
    LdList,
    PdList, //
};
use crate::regs;
use crate::reply_ring::Context;
use crate::reset::{
    Way,
    STATE_POLL, //
};
use crate::sgl::{
    Format,
    Sge, //
};
use crate::status::MfiStatus;
use core::num::NonZero;
use core::sync::atomic::Ordering;
use kernel::device::{
    Bound,
    Device, //
};
use kernel::io::Io;
use kernel::prelude::*;
use kernel::time::delay::fsleep;
use kernel::time::Delta;
use storage::dma::{
    AddressWidth,
    Slot, //
};
use storage::mailbox::{
    Answered,
    Armed,
    Pending, //
};
use storage_scsi::Flight;

/// How long a step of error handling may take. If it takes longer, the slot of the command is quarantined, the
/// caller gets an error, and error handling goes on with its next step.
pub(crate) const RECOVERY_TIMEOUT: Delta = Delta::from_secs(10);

/// How long INIT and the commands that discover what there is may take, on firmware that has just started.
const DISCOVERY_TIMEOUT: Delta = Delta::from_secs(60);

/// How long the cache flush and the shutdown may take.
const FLUSH_TIMEOUT: Delta = Delta::from_secs(180);

/// How often a waiter looks into the reply ring itself, should the interrupt not have come.
const REPLY_POLL: Delta = Delta::from_millis(10);

/// Most entries of a reply ring: contexts have room for no more commands.
const MAX_COMMANDS: u32 = 2048;

impl FirmwareLimits {
    /// Reads OSP0 and cuts it to what the driver takes.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the firmware announces nothing usable.
    pub(crate) fn read(bar: &crate::adapter::Bar<'_>, width: AddressWidth) -> Result<Self> {
        let status = bar.read(regs::OSP0);
        if status.is_gone() {
            return Err(ENODEV);
        }
        let commands = status.max_commands().get().min(MAX_COMMANDS);
        // CAST: eight bits.
        let sges = (status.max_sge().get() as u8).min(MAX_SGES);
        Ok(Self {
            commands: NonZero::new(commands).ok_or(EINVAL)?,
            sges: NonZero::new(sges).ok_or(EINVAL)?,
            format: match width {
                AddressWidth::Bits32 => Format::Sge32,
                AddressWidth::Bits64 if status.msix() => Format::Ieee,
                AddressWidth::Bits64 => Format::Sge64,
            },
        })
    }
}

impl Adapter {
    /// Takes the firmware to READY and gives it empty queues. Meanwhile there is neither a command, as the
    /// adapter is not operational, nor another reset. Returns what the controller says of itself;
    /// [`None`] if it refuses to. Sleeps.
    ///
    /// # Errors
    ///
    /// - `ENODEV`, `EIO`, `ETIMEDOUT`: see [`Controller::make_ready`].
    /// - `EIO` if the firmware refuses the queues.
    /// - `ETIMEDOUT` if it does not answer in the queues that it was given: then a reset has not happened.
    ///
    /// [`Controller::make_ready`]: crate::reset::Controller::make_ready
    pub(crate) fn bring_up(
        &self,
        dev: &Device<Bound>,
        way: Way,
        timeout: Delta,
    ) -> Result<Option<ControllerInfo>> {
        let controller = self.controller(dev)?;
        dev_info!(dev, "Waiting for FW to come to ready state\n");
        controller.make_ready(way, timeout)?;
        dev_info!(dev, "FW now in Ready state\n");
        // The device holds nothing any more: what it had will never be answered.
        self.mailbox.release_after_reset();
        let memory = self.ring.slot(0).ok_or(EINVAL)?;
        self.empty_ring(&memory)?;
        self.init(dev, &memory)?;
        dev_info!(dev, "INIT adapter done\n");
        controller.unmask_interrupts();
        // Firmware that still has its old queues says OK to INIT, and goes on with those: only an answer
        // that moves the new index, of whatever kind, proves that the reset has happened.
        let info = match self.controller_info(dev) {
            Ok(info) => Some(info),
            Err(EIO) => None,
            Err(error) => return Err(error),
        };
        let proven = self.indices.load(Ordering::Relaxed);
        self.proven_indices.store(proven, Ordering::Relaxed);
        let disabled = info.is_some_and(|info| info.online_reset_disabled());
        self.no_online_reset.store(disabled, Ordering::Relaxed);
        Ok(info)
    }

    /// Sleeps while another thread still takes replies out of the ring.
    fn empty_ring(&self, memory: &Slot<'_>) -> Result {
        // The claim that `drain` makes too: one that still runs would write its index over ours.
        while self.draining.swap(true, Ordering::Acquire) {
            fsleep(STATE_POLL);
        }
        // Not from one attempt to the next: after an attempt that failed the firmware may still use the old ones.
        // CAST: 0 or `ring::PAIR`.
        let pair = self.proven_indices.load(Ordering::Relaxed) as usize ^ ring::PAIR;
        let emptied = memory
            .write(pair + ring::PRODUCER, [0])
            .and_then(|()| memory.write(pair + ring::CONSUMER, [0]));
        // CAST: 0 or `ring::PAIR`.
        self.indices.store(pair as u32, Ordering::Relaxed);
        self.consumer.store(0, Ordering::Relaxed);
        self.draining.store(false, Ordering::Release);
        emptied
    }

    /// Tells the firmware where its queues are. Interrupts are masked. Sleeps.
    fn init(&self, dev: &Device<Bound>, memory: &Slot<'_>) -> Result {
        let armed = self.mailbox.arm().ok_or(EBUSY)?;
        let (frame, data) = self.slots(&armed)?;
        let at = memory.address();
        let indices = at + self.indices() as u64;
        let info = QueueInfo {
            // Fewer are accepted, but then the device writes past the ring.
            entries: self.limits.commands.get(),
            ring_addr: at + ring::ENTRIES as u64,
            producer_addr: indices + ring::PRODUCER as u64,
            consumer_addr: indices + ring::CONSUMER as u64,
        };
        data.write(0, info.encode())?;
        let init = InitFrame {
            context: self.context(&armed)?,
            queue_info_addr: data.address(),
        };
        frame.write(0, init.encode())?;
        let polled = armed.post_polled(|posting| self.ring_doorbell(dev, &frame, 0, posting));
        let answered = polled.wait(DISCOVERY_TIMEOUT, STATE_POLL, || {
            frame
                .read(0)
                .is_ok_and(|words| Completion::from_words(words).cmd_status != MfiStatus::INVALID)
        })?;
        self.check(&answered)
    }

    fn slots(&self, armed: &Armed<'_>) -> Result<(Slot<'_>, Slot<'_>)> {
        let index = armed.context().index;
        let frame = self.frames.slot(self.tags + index).ok_or(EINVAL)?;
        let data = self.data.slot(index).ok_or(EINVAL)?;
        Ok((frame, data))
    }

    fn context(&self, armed: &Armed<'_>) -> Result<Context> {
        let context = armed.context();
        Context::new(self.tags + context.index, context.generation).ok_or(EINVAL)
    }

    /// # Errors
    ///
    /// `EIO` if the firmware refused the command, or lost it in a reset.
    fn check(&self, answered: &Answered<'_>) -> Result {
        if answered.is_lost() {
            return Err(EIO);
        }
        let frame = self.frames.slot(self.tags + answered.context().index);
        let done = Completion::from_words(frame.ok_or(EINVAL)?.read(0)?);
        if done.cmd_status == MfiStatus::OK {
            Ok(())
        } else {
            Err(EIO)
        }
    }

    /// Sends a command to the firmware; what it returns is copied into `reply`. Sleeps.
    ///
    /// # Errors
    ///
    /// - `EAGAIN` while a reset is going on; `ENODEV` if the adapter is dead.
    /// - `EBUSY` if all slots are in use.
    /// - `ETIMEDOUT` if the firmware does not answer; `EIO` if it refuses.
    pub(crate) fn dcmd(
        &self,
        dev: &Device<Bound>,
        opcode: Opcode,
        mbox: Mbox,
        reply: &mut [u8],
        timeout: Delta,
    ) -> Result {
        match self.health() {
            Health::Operational => {}
            Health::Resetting => return Err(EAGAIN),
            Health::Dead => return Err(ENODEV),
        }
        self.dcmd_by(dev, opcode, mbox, reply, timeout, |armed, frame| {
            self.post_to_firmware(dev, armed, frame)
        })
    }

    /// As [`Adapter::dcmd`], whatever the adapter's health: `post` hands the command to the firmware.
    fn dcmd_by(
        &self,
        dev: &Device<Bound>,
        opcode: Opcode,
        mbox: Mbox,
        reply: &mut [u8],
        timeout: Delta,
        post: impl for<'a> FnOnce(Armed<'a>, &Slot<'_>) -> Result<Pending<'a>>,
    ) -> Result {
        if reply.len() > DATA_BYTES {
            return Err(EINVAL);
        }
        let len = u32::try_from(reply.len())?;
        let armed = self.mailbox.arm().ok_or(EBUSY)?;
        let (frame, data) = self.slots(&armed)?;
        // What the firmware does not fill must not be what an earlier command left.
        for offset in (0..reply.len()).step_by(size_of::<u32>()) {
            data.write(offset, [0])?;
        }
        let dcmd = DcmdFrame {
            opcode,
            mbox,
            context: self.context(&armed)?,
            direction: (len != 0).then_some(Direction::Read),
            data_len: len,
        };
        frame.write(0, dcmd.encode())?;
        if len != 0 {
            match DCMD_FORMAT.encode(data.address(), len) {
                Ok(Sge::Sge32(words)) => frame.write(DcmdFrame::BYTES, words)?,
                _ => return Err(EINVAL),
            }
        }
        let pending = post(armed, &frame)?;
        let answered = pending.wait(timeout, REPLY_POLL, || self.drain_here(dev))?;
        let outcome = self.check(&answered);
        if params::debugging(params::debug::FIRMWARE) {
            dev_info!(
                dev,
                "firmware command {:#010x}: {:?}\n",
                opcode.as_u32(),
                outcome
            );
        }
        outcome?;
        data.read_bytes(0, reply)
    }

    /// Asks the firmware to abort a command that it has. Sleeps.
    ///
    /// # Errors
    ///
    /// As [`Adapter::dcmd`].
    pub(crate) fn abort_frame(&self, dev: &Device<Bound>, victim: Flight) -> Result {
        if self.health() != Health::Operational {
            return Err(EAGAIN);
        }
        let armed = self.mailbox.arm().ok_or(EBUSY)?;
        let (frame, _) = self.slots(&armed)?;
        let abort = AbortFrame {
            context: self.context(&armed)?,
            victim: Context::new(victim.tag, victim.generation).ok_or(EINVAL)?,
            victim_addr: self.frames.slot(victim.tag).ok_or(EINVAL)?.address(),
        };
        frame.write(0, abort.encode())?;
        let pending = self.post_to_firmware(dev, armed, &frame)?;
        let answered = pending.wait(RECOVERY_TIMEOUT, REPLY_POLL, || self.drain_here(dev))?;
        self.check(&answered)
    }

    /// Posts a command, unless a reset has begun: that waits for whoever is in here.
    fn post_to_firmware<'a>(
        &self,
        dev: &Device<Bound>,
        armed: Armed<'a>,
        frame: &Slot<'_>,
    ) -> Result<Pending<'a>> {
        let _section = kernel::sync::rcu::read_lock();
        if !self.is_operational() {
            return Err(EAGAIN);
        }
        Ok(armed.post(|posting| self.ring_doorbell(dev, frame, 0, posting)))
    }

    /// Asks what the controller is: the first command in new queues, while nobody else sends any. Sleeps.
    ///
    /// # Errors
    ///
    /// - `EIO` if the firmware refuses to say.
    /// - Any other if no answer came.
    fn controller_info(&self, dev: &Device<Bound>) -> Result<ControllerInfo> {
        let mut reply = KVec::from_elem(0u8, ControllerInfo::BYTES, GFP_KERNEL)?;
        let (opcode, mbox) = (Opcode::CTRL_GET_INFO, Mbox::CTRL_INFO);
        self.dcmd_by(
            dev,
            opcode,
            mbox,
            &mut reply,
            DISCOVERY_TIMEOUT,
            |armed, frame| Ok(armed.post(|posting| self.ring_doorbell(dev, frame, 0, posting))),
        )?;
        ControllerInfo::parse(&reply).ok_or(EIO)
    }

    /// Asks which targets there are; true if they are others than were known. Sleeps.
    ///
    /// # Errors
    ///
    /// - Those of [`Adapter::dcmd`]; `EIO` too if a list makes no sense. What was known stays.
    /// - `ENOMEM` if there is no memory.
    pub(crate) fn find_targets(&self, dev: &Device<Bound>) -> Result<bool> {
        let mut known = self.present.lock();
        let found = self.read_targets(dev)?;
        let changed = !found.same(&known);
        *known = found;
        Ok(changed)
    }

    /// Reads both lists, whole.
    fn read_targets(&self, dev: &Device<Bound>) -> Result<Present> {
        let mut present = Present::new()?;
        let mut reply = KVec::from_elem(0u8, LdList::BYTES, GFP_KERNEL)?;
        let opcode = Opcode::LD_GET_LIST;
        self.dcmd(dev, opcode, Mbox::EMPTY, &mut reply, DISCOVERY_TIMEOUT)?;
        for entry in LdList::parse(&reply).ok_or(EIO)?.iter() {
            present.logical.set_bit(usize::from(entry.target));
        }
        let mut reply = KVec::from_elem(0u8, PdList::BYTES, GFP_KERNEL)?;
        let opcode = Opcode::PD_LIST_QUERY;
        let query = Mbox::PD_EXPOSED_TO_HOST;
        self.dcmd(dev, opcode, query, &mut reply, DISCOVERY_TIMEOUT)?;
        for entry in PdList::parse(&reply).ok_or(EIO)?.iter() {
            present.physical.set_bit(usize::from(entry.target()));
        }
        Ok(present)
    }

    /// Flushes the caches, shuts the controller down and masks its interrupts, in that order. Sleeps.
    ///
    /// A step that fails does not keep the next from being taken.
    pub(crate) fn stop(&self, dev: &Device<Bound>) {
        let _recovering = self.recovering.lock();
        for (what, opcode, mbox) in [
            ("cache flush", Opcode::CTRL_CACHE_FLUSH, Mbox::FLUSH_ALL),
            ("shutdown", Opcode::CTRL_SHUTDOWN, Mbox::EMPTY),
        ] {
            if self.health() != Health::Operational {
                break;
            }
            if let Err(error) = self.dcmd(dev, opcode, mbox, &mut [], FLUSH_TIMEOUT) {
                dev_warn!(dev, "{} failed: {:?}\n", what, error);
            }
        }
        self.set_dead();
        if let Ok(controller) = self.controller(dev) {
            controller.mask_interrupts();
            if params::debugging(params::debug::FIRMWARE) {
                dev_info!(dev, "interrupts off\n");
            }
        }
        self.give_up(dev);
    }

    /// Waits, at most for `timeout`, until `done`; looks into the reply ring meanwhile. Sleeps.
    pub(crate) fn wait_until(
        &self,
        dev: &Device<Bound>,
        timeout: Delta,
        done: impl Fn() -> bool,
    ) -> bool {
        let start = kernel::time::Instant::<kernel::time::Monotonic>::now();
        loop {
            self.drain_here(dev);
            if done() {
                return true;
            }
            if start.elapsed() > timeout {
                return false;
            }
            fsleep(STATE_POLL);
        }
    }

    /// How long the firmware may stay in one state on the way to READY.
    pub(crate) fn state_timeout(&self) -> Delta {
        Delta::from_secs(i64::from(self.settings.reset_wait))
    }
}
