// SPDX-License-Identifier: GPL-2.0

//! The owned command.
//!
//! C header: [`include/scsi/scsi_cmnd.h`](srctree/include/scsi/scsi_cmnd.h)
//!
//! States of a command, seen from here:
//!
//! | state | who has it | how it leaves |
//! | --- | --- | --- |
//! | idle | the block layer | `queuecommand` gives a [`Command`] to the driver |
//! | owned | the holder of the [`Command`] | [`Command::complete`], [`Rejected`], [`InFlight::reserve`] |
//! | reserved | the holder of the [`Reserved`] | [`Reserved::post`], [`Reserved::cancel`] |
//! | in flight | the [`InFlight`] table | [`InFlight::land`], [`InFlight::sweep`] give the [`Command`] back |
//!
//! A [`Command`] lives as long as the call that it is given to, and that call has to return a [`Done`] of
//! the same lifetime `'c`, or a [`Rejected`]. There is no other way to get one than to complete the
//! command, to post it, or to give it back. So a driver cannot forget a command, drop it, or keep it
//! anywhere but in the table: it does not compile.
//!
//! # Error handling
//!
//! Error handling uses the memory of a command that has failed or timed out for commands of its own
//! (`scsi_eh_prep_cmnd`): CDB, scatter list, direction, sense data. It does not do so while there is a
//! [`Command`] of it:
//!
//! - A [`Command`] exists in a read-side section of RCU only: that of `queuecommand`, or of
//!   [`InFlight::land`]. The thread of error handling takes up a command after `call_rcu_hurry`
//!   (`scsi_eh_scmd_add`), so that it waits for a section that was open at the timeout.
//! - In a section that is opened later, the command was in the table at the timeout, and its [`Ownership`] says
//!   that it is outstanding until it ends. In the memory of such a command error handling sends REQUEST SENSE if
//!   no abort was tried and its status is CHECK CONDITION, START UNIT if its sense data asks for it, and TEST UNIT
//!   READY after a step that has succeeded. It has neither that status nor sense data: the status of an earlier
//!   try was cleared, as `scsi_queue_rq` clears the sense data, its own is written as it ends, and
//!   [`Command::complete_with_sense`] writes none once it was escalated. No step succeeds while it is outstanding.
//!
//! [`Ownership`]: super::ownership::Ownership
//! [`InFlight`]: super::InFlight
//! [`InFlight::reserve`]: super::InFlight::reserve
//! [`InFlight::land`]: super::InFlight::land
//! [`InFlight::sweep`]: super::InFlight::sweep
//! [`Reserved`]: super::Reserved
//! [`Reserved::post`]: super::Reserved::post
//! [`Reserved::cancel`]: super::Reserved::cancel

use super::device::Device;
use super::ownership::{
    End,
    Ownership, //
};
use super::status::{
    HostByte,
    Status,
    SENSE_LENGTH, //
};
use super::template::LowLevelDriver;
use crate::bindings;
use core::marker::PhantomData;
use core::ptr::NonNull;
use core::sync::atomic::{
    AtomicBool,
    AtomicUsize,
    Ordering, //
};
use kernel::prelude::*;
use storage::compat;
use storage::dma::Segments;
use storage::rcu::{
    GracePeriod,
    ReadSide, //
};

/// What follows the `struct scsi_cmnd` in its allocation.
pub(super) struct Area<D> {
    pub(super) owner: Ownership,
    /// Set while the data buffer is mapped in a way that must be undone. Written by the owner only.
    mapped: AtomicBool,
    /// The grace period that began at the last timeout.
    grace: AtomicUsize,
    data: D,
}

impl<D> Area<D> {
    /// After [`Ownership::time_out`]: begins the grace period that error handling waits for. Any context.
    pub(super) fn begin_grace_period(&self) {
        self.grace
            .store(GracePeriod::begin().as_cookie(), Ordering::Relaxed);
    }

    /// Waits until nobody reports the end of the use that timed out. Sleeps.
    pub(super) fn wait_for_reports(&self) {
        GracePeriod::from_cookie(self.grace.load(Ordering::Relaxed)).wait();
    }
}

impl<D: Default> Area<D> {
    pub(super) fn new() -> Self {
        Self {
            owner: Ownership::new(),
            mapped: AtomicBool::new(false),
            grace: AtomicUsize::new(0),
            data: D::default(),
        }
    }
}

/// The brand that ties a [`Done`] to its [`Command`]: a lifetime that is equal to itself alone.
type Brand<'c> = PhantomData<fn(&'c ()) -> &'c ()>;

/// Proof that the driver has done with a command: it was completed, or the in-flight table has it.
///
/// It is of that command only: the lifetime is the command's own.
#[must_use = "return it to whoever gave the command"]
pub struct Done<'c>(Brand<'c>);

/// Which way the data goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// No data.
    None,
    /// From the device to memory.
    FromDevice,
    /// From memory to the device.
    ToDevice,
}

/// A SCSI command that belongs to its holder, for the call that it was given to.
///
/// # Invariants
///
/// - `raw` is a command of a registered host of `T`, whose area was initialised as [`Area`], and whose
///   [`Ownership`] was begun.
/// - No other `Command` and no in-flight table holds it.
#[must_use = "a command is completed, posted or rejected"]
pub struct Command<'c, T: LowLevelDriver> {
    raw: NonNull<bindings::scsi_cmnd>,
    brand: Brand<'c>,
    _driver: PhantomData<fn() -> T>,
}

/// A command that the driver gives back without having touched it; the mid-layer tries again later. If it has
/// timed out meanwhile, the timeout or error handling starts it anew, and it is not queued a second time.
#[must_use = "return it from `queue`"]
pub struct Rejected<'c> {
    code: bindings::scsi_qc_status,
    _brand: Brand<'c>,
}

impl Rejected<'_> {
    /// The code that gives the command back.
    #[inline]
    pub(super) fn code(self) -> bindings::scsi_qc_status {
        self.code
    }
}

impl<'c, T: LowLevelDriver> Command<'c, T> {
    /// Takes a command over from the mid-layer; `None` if the driver has it already, whatever the
    /// mid-layer thinks.
    ///
    /// # Safety
    ///
    /// - `raw` is a command of a registered host of `T` that `queuecommand` is being called with;
    /// - its area was initialised by `init_cmd_priv`;
    /// - what has the lifetime `'c` does not outlive that call.
    #[inline]
    pub(super) unsafe fn from_mid_layer(raw: NonNull<bindings::scsi_cmnd>) -> Option<Self> {
        // SAFETY: the area follows the command, and is initialised, by the caller's promise; it is shared:
        // all of it is atomic, but for the driver's data, which is `Sync`.
        let area = unsafe { &*area_of::<T>(raw.as_ptr()) };
        if !area.owner.begin() {
            return None;
        }
        // Without an abort error handling takes the status of an earlier try, which the mid-layer leaves there,
        // for this one's: see "Error handling" above.
        if !T::HAS_ABORT {
            // SAFETY: the command is allocated, as the caller promises.
            unsafe { set_result(raw.as_ptr(), Status::GOOD) };
        }
        // INVARIANT: begun here, so that nobody else has it: see the invariant of `Ownership`.
        Some(Self {
            raw,
            brand: PhantomData,
            _driver: PhantomData,
        })
    }

    /// Ends the token without ending the ownership: the in-flight table has the command now.
    #[inline]
    pub(super) fn into_raw(self) -> (NonNull<bindings::scsi_cmnd>, Done<'c>) {
        (self.raw, Done(self.brand))
    }

    /// # Safety
    ///
    /// `raw` comes from [`Command::into_raw`] of the same `T`, and this is the only call for it.
    #[inline]
    pub(super) unsafe fn from_raw(raw: NonNull<bindings::scsi_cmnd>) -> Self {
        // INVARIANT: the token that `into_raw` ended had both properties, and the caller promises that no
        // other is made of it. The command stays allocated: its request is not ended while it is
        // outstanding.
        Self {
            raw,
            brand: PhantomData,
            _driver: PhantomData,
        }
    }

    #[inline]
    fn as_raw(&self) -> *mut bindings::scsi_cmnd {
        self.raw.as_ptr()
    }

    #[inline]
    fn area(&self) -> &Area<T::CommandData> {
        // SAFETY: by the invariant the area follows the command and is initialised; it is shared with
        // error handling, which uses the atomic parts only.
        unsafe { &*area_of::<T>(self.as_raw()) }
    }

    /// The driver's private data in the command's own area. Any context.
    #[inline]
    pub fn data(&self) -> &T::CommandData {
        &self.area().data
    }

    /// The command descriptor block, 6 to 32 bytes. Any context.
    #[inline]
    pub fn cdb(&self) -> &[u8] {
        // SAFETY: valid, by the invariant. The mid-layer writes the CDB before it queues the command, and error
        // handling for commands of its own, not while there is a `Command`: see "Error handling" above.
        let (cmnd, len) = unsafe { (&(*self.as_raw()).cmnd, (*self.as_raw()).cmd_len) };
        cmnd.get(..usize::from(len)).unwrap_or(cmnd)
    }

    /// The logical unit that the command is for. Any context.
    #[inline]
    pub fn device(&self) -> &Device {
        // SAFETY: `device` is set before a command is queued; its queue, and with it the device, stays while
        // a request is outstanding, which it is for the lifetime of `self`.
        unsafe { Device::from_raw((*self.as_raw()).device) }
    }

    /// The block layer's tag: unique among the host's commands in flight, below `can_queue`.
    #[inline]
    pub fn tag(&self) -> u32 {
        // SAFETY: by the invariant the command is of a registered host, whose commands are part of requests.
        unsafe { tag_of(self.as_raw()) }
    }

    /// Which way the data goes. Any context.
    #[inline]
    pub fn direction(&self) -> Direction {
        // SAFETY: valid, by the invariant; written before the command is queued only, see `cdb`.
        match unsafe { (*self.as_raw()).sc_data_direction } {
            compat::DMA_TO_DEVICE => Direction::ToDevice,
            compat::DMA_FROM_DEVICE => Direction::FromDevice,
            _ => Direction::None,
        }
    }

    /// Length of the data buffer, in bytes. Any context.
    #[inline]
    pub fn transfer_length(&self) -> u32 {
        // SAFETY: valid, by the invariant; written before the command is queued only, see `cdb`.
        unsafe { (*self.as_raw()).sdb.length }
    }

    /// Maps the data buffer for DMA and returns its segments; none for a command without data.
    ///
    /// It is unmapped when the command is completed or given back. Any context.
    ///
    /// # Errors
    ///
    /// - `ENOMEM` if the IOMMU or the bounce buffers are used up: give the command back with
    ///   [`Command::reject_host_busy`].
    /// - `EBUSY` if it is mapped already.
    #[inline]
    pub fn map_data(&mut self) -> Result<Segments<'_>> {
        if self.area().mapped.load(Ordering::Relaxed) {
            return Err(EBUSY);
        }
        // SAFETY: the command is valid and its host registered, by the invariant; its scatter list is not
        // mapped: `mapped` says so where there is anything to undo.
        let count = unsafe { bindings::scsi_dma_map(self.as_raw()) };
        let count = u32::try_from(count).map_err(|_| ENOMEM)?;
        if count == 0 {
            return Ok(Segments::empty());
        }
        // SAFETY: a command has its device, that its host, and a host that is registered its `dma_dev`: see
        // `device`, and the invariant.
        let needs_unmap =
            unsafe { kernel::bindings::dma_need_unmap((*(*(*self.as_raw()).device).host).dma_dev) };
        self.area().mapped.store(needs_unmap, Ordering::Relaxed);
        // SAFETY: `scsi_dma_map` has just mapped the list of `sdb.table` into `count` segments. It stays
        // mapped while `self` is borrowed: what unmaps it consumes the command.
        Ok(unsafe { Segments::new((*self.as_raw()).sdb.table.sgl, count) })
    }

    #[inline]
    fn unmap(&self) {
        let mapped = &self.area().mapped;
        if mapped.load(Ordering::Relaxed) {
            mapped.store(false, Ordering::Relaxed);
            // SAFETY: `map_data` has mapped this command's scatter list, once, and it was not unmapped since:
            // only the owner, which `self` is, writes the flag.
            unsafe { bindings::scsi_dma_unmap(self.as_raw()) };
        }
    }

    /// Completes the command: unmaps its data and gives it back to the mid-layer. Any context.
    pub fn complete(self, status: Status) -> Done<'c> {
        let guard = kernel::sync::rcu::read_lock();
        if let End::Report = self.conclude(ReadSide::of(&guard), status) {
            // SAFETY: the command is allocated: until this call its request is outstanding at the block
            // layer. The mid-layer is told once: the ownership has just ended with `Report`.
            unsafe { bindings::scsi_done(self.as_raw()) };
        }
        Done(self.brand)
    }

    /// As [`Command::complete`], but what follows in the block layer runs here and now, not in a softirq.
    ///
    /// For the handler of an interrupt, or of a poll, which then finds more answers waiting when it looks
    /// again. Any context, inside a read-side section.
    #[inline]
    pub fn complete_here(self, section: ReadSide<'_>, status: Status) -> Done<'c> {
        if let End::Report = self.conclude(section, status) {
            // SAFETY: as in `complete`.
            unsafe { bindings::scsi_done_direct(self.as_raw()) };
        }
        Done(self.brand)
    }

    /// As [`Command::complete_here`], with sense data; more than [`SENSE_LENGTH`] bytes are cut.
    ///
    /// There is no other way to store sense data: error handling acts on those of a command that has not ended.
    pub fn complete_with_sense(self, at: ReadSide<'_>, status: Status, sense: &[u8]) -> Done<'c> {
        if !self.area().owner.is_escalated() {
            let len = sense.len().min(SENSE_LENGTH);
            let from = sense.as_ptr();
            // SAFETY: `sense` is valid for reads of its length, and a command's `sense_buffer` for writes of
            // `SENSE_LENGTH` bytes, as `scsi_mq_init_request` allocates it, not as a part of Rust's memory: the
            // two do not overlap. Nobody else writes it: the command is ours, by the invariant, and error
            // handling, which uses the buffer for its own commands, waits for the section.
            unsafe { core::ptr::copy_nonoverlapping(from, (*self.as_raw()).sense_buffer, len) };
        }
        self.complete_here(at, status)
    }

    /// Ends the driver's ownership; on `Report` the caller tells the mid-layer next, in the same section:
    /// see [`Ownership`].
    #[inline]
    fn conclude(&self, _section: ReadSide<'_>, status: Status) -> End {
        self.unmap();
        let raw = self.as_raw();
        self.area().owner.end(|| {
            // SAFETY: the command is allocated, by the invariant.
            unsafe { set_result(raw, status) };
        })
    }

    fn reject(self, busy: bindings::scsi_qc_status) -> Rejected<'c> {
        self.unmap();
        let raw = self.as_raw();
        let end = self.area().owner.reject(|| {
            // SAFETY: the command is allocated, by the invariant.
            unsafe { set_result(raw, Status::host(HostByte::Requeue)) };
        });
        Rejected {
            code: match end {
                End::Report => busy,
                // The timeout or error handling has it, and is the one to start it anew.
                End::Silent => 0,
            },
            _brand: self.brand,
        }
    }

    /// Gives the command back: the host can take none now. Return the result from `queue`. Any context.
    pub fn reject_host_busy(self) -> Rejected<'c> {
        self.reject(bindings::scsi_qc_status_SCSI_MLQUEUE_HOST_BUSY)
    }
}

/// Writes a command's result. A timeout may come meanwhile, whose end writes it too: which of the two stays is
/// decided by [`Ownership`], not here.
///
/// # Safety
///
/// `raw` is an allocated command.
#[inline]
unsafe fn set_result(raw: *mut bindings::scsi_cmnd, status: Status) {
    // SAFETY: valid for a write, as the caller promises. A write of C's at the same time (`set_host_byte` of
    // `scsi_timeout`) is of an aligned int too, which the kernel's memory model does not tear.
    unsafe { (&raw mut (*raw).result).write_volatile(status.as_result()) };
}

/// The block layer's tag of a command, which stands right behind its request (`scsi_cmd_to_rq`).
///
/// # Safety
///
/// `raw` is the command of a live request.
#[inline]
unsafe fn tag_of(raw: *mut bindings::scsi_cmnd) -> u32 {
    let request = raw.cast::<kernel::bindings::request>().wrapping_sub(1);
    // SAFETY: the block layer allocates a command right behind its request (`scsi_cmd_to_rq`), and the
    // caller promises that both are alive. The tag is set before the command is queued, and stays.
    // CAST: a tag that was given is not negative.
    unsafe { (*request).tag as u32 }
}

/// The area behind a command.
#[inline]
pub(super) fn area_of<T: LowLevelDriver>(
    raw: *mut bindings::scsi_cmnd,
) -> *mut Area<T::CommandData> {
    raw.wrapping_add(1).cast()
}

/// A command that error handling asks about; the mid-layer owns it, the hardware may still have it.
///
/// # Invariants
///
/// `raw` is a command of a registered host of `T` that stays allocated for `'a`, or one in the memory of a
/// reset that user space asks for, with room for an area of zeros.
///
/// A reset that user space asks for comes with a command that was never initialised or queued: its area is
/// all zeros, which means that nobody has it, and its tag is no command's. So there is no access to the
/// driver's private data here.
pub struct TimedOut<'a, T: LowLevelDriver> {
    raw: NonNull<bindings::scsi_cmnd>,
    _command: PhantomData<&'a ()>,
    _driver: PhantomData<fn() -> T>,
}

impl<T: LowLevelDriver> TimedOut<'_, T> {
    /// # Safety
    ///
    /// `raw` is as in the invariant.
    pub(super) unsafe fn from_raw(raw: NonNull<bindings::scsi_cmnd>) -> Self {
        // INVARIANT: the caller promises it.
        Self {
            raw,
            _command: PhantomData,
            _driver: PhantomData,
        }
    }

    /// The logical unit that the command is for.
    pub fn device(&self) -> &Device {
        // SAFETY: allocated, by the invariant; `scsi_init_command` sets `device` in both kinds of command,
        // and whoever calls for error handling has a reference to it until the call returns.
        unsafe { Device::from_raw((*self.raw.as_ptr()).device) }
    }

    /// The block layer's tag of the command.
    pub fn tag(&self) -> u32 {
        // SAFETY: both kinds of command are allocated right behind a request, and stay so for `'a`.
        unsafe { tag_of(self.raw.as_ptr()) }
    }

    /// True while the driver has the command: it was neither completed nor taken out of the in-flight
    /// table and completed.
    pub fn is_outstanding(&self) -> bool {
        // Not by a reference to the whole area, which of a reset that user space asks for is all zeros.
        // SAFETY: the area follows the command, and both stay allocated for `'a`, by the invariant. `Ownership`
        // is an atomic, valid as it was initialised and as zeros, and is only shared.
        let owner: &Ownership = unsafe { &(*area_of::<T>(self.raw.as_ptr())).owner };
        owner.is_outstanding()
    }
}
