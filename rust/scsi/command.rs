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
//! | owned | the holder of the [`Command`] | [`Command::complete`], drop, [`Rejected`], [`InFlight::launch`] |
//! | in flight | the [`InFlight`] table | [`InFlight::land`], [`InFlight::sweep`] give the [`Command`] back |
//!
//! [`InFlight`]: super::InFlight
//! [`InFlight::launch`]: super::InFlight::launch
//! [`InFlight::land`]: super::InFlight::land
//! [`InFlight::sweep`]: super::InFlight::sweep

use super::device::Device;
use super::status::{
    HostByte,
    Status,
    SENSE_LENGTH, //
};
use super::template::LowLevelDriver;
use crate::bindings;
use crate::dma::Segments;
use crate::rcu::ReadSide;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ptr::NonNull;
use core::sync::atomic::{
    AtomicBool,
    Ordering, //
};
use kernel::prelude::*;

/// What follows the `struct scsi_cmnd` in its allocation.
pub(super) struct Area<D> {
    /// Set while a [`Command`] or the in-flight table has the command.
    outstanding: AtomicBool,
    /// Set while the data buffer is mapped in a way that must be undone. Written by the owner only.
    mapped: AtomicBool,
    pub(super) data: D,
}

impl<D: Default> Area<D> {
    pub(super) fn new() -> Self {
        Self {
            outstanding: AtomicBool::new(false),
            mapped: AtomicBool::new(false),
            data: D::default(),
        }
    }
}

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

/// A SCSI command that belongs to its holder.
///
/// Dropping it completes it with `DID_ERROR`, so that the mid-layer retries it.
///
/// # Invariants
///
/// - `raw` is a command of a registered host of `T`, whose area was initialised as [`Area`].
/// - No other `Command` and no in-flight table holds it.
#[must_use = "a dropped command is completed with an error"]
pub struct Command<T: LowLevelDriver> {
    raw: NonNull<bindings::scsi_cmnd>,
    _driver: PhantomData<fn() -> T>,
}

// SAFETY: a command has no ties to the thread that it was queued on.
unsafe impl<T: LowLevelDriver> Send for Command<T> {}

/// A command that the driver gives back without having touched it; the mid-layer tries again later.
#[must_use = "return it from `queue`"]
pub struct Rejected<T: LowLevelDriver> {
    command: Command<T>,
    code: bindings::scsi_qc_status,
}

impl<T: LowLevelDriver> Rejected<T> {
    /// Ends the ownership of `queued`, the command that `queuecommand` was called with, without completing
    /// it, and returns the code that gives it back.
    ///
    /// A driver that rejects another of its commands instead has kept this one: then the other is
    /// completed with an error, and this one stays the driver's.
    #[inline]
    pub(super) fn release(self, queued: NonNull<bindings::scsi_cmnd>) -> bindings::scsi_qc_status {
        let Self { command, code } = self;
        if command.raw != queued {
            drop(command);
            return 0;
        }
        command.unmap();
        let command = ManuallyDrop::new(command);
        command.area().outstanding.store(false, Ordering::Release);
        code
    }
}

impl<T: LowLevelDriver> Command<T> {
    /// Takes a command over from the mid-layer.
    ///
    /// # Safety
    ///
    /// `raw` is a command of a registered host of `T` that `queuecommand` is being called with.
    #[inline]
    pub(super) unsafe fn from_mid_layer(raw: NonNull<bindings::scsi_cmnd>) -> Self {
        // INVARIANT: by this function's contract the mid-layer gives the command away.
        let command = Self {
            raw,
            _driver: PhantomData,
        };
        command.area().outstanding.store(true, Ordering::Relaxed);
        command
    }

    /// Ends the token without ending the ownership: the in-flight table has the command now.
    #[inline]
    pub(super) fn into_raw(self) -> NonNull<bindings::scsi_cmnd> {
        ManuallyDrop::new(self).raw
    }

    /// # Safety
    ///
    /// `raw` comes from [`Command::into_raw`] of the same `T`, and this is the only call for it.
    #[inline]
    pub(super) unsafe fn from_raw(raw: NonNull<bindings::scsi_cmnd>) -> Self {
        // INVARIANT: by this function's contract.
        Self {
            raw,
            _driver: PhantomData,
        }
    }

    #[inline]
    fn as_raw(&self) -> *mut bindings::scsi_cmnd {
        self.raw.as_ptr()
    }

    #[inline]
    fn area(&self) -> &Area<T::CommandData> {
        // SAFETY: by the invariant the area follows the command and is initialised.
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
        // SAFETY: the command is ours; `cmnd` is not written while it is.
        let (cmnd, len) = unsafe { (&(*self.as_raw()).cmnd, (*self.as_raw()).cmd_len) };
        cmnd.get(..usize::from(len)).unwrap_or(cmnd)
    }

    /// The logical unit that the command is for. Any context.
    #[inline]
    pub fn device(&self) -> &Device {
        // SAFETY: a command holds its device until it is completed.
        unsafe { Device::from_raw((*self.as_raw()).device) }
    }

    /// The block layer's tag: unique among the host's commands in flight, below `can_queue`.
    #[inline]
    pub fn tag(&self) -> u32 {
        // SAFETY: the command is part of a live request.
        unsafe { tag_of(self.as_raw()) }
    }

    /// Which way the data goes. Any context.
    #[inline]
    pub fn direction(&self) -> Direction {
        // SAFETY: the command is ours; the field is not written while it is.
        match unsafe { (*self.as_raw()).sc_data_direction } {
            kernel::bindings::dma_data_direction_DMA_TO_DEVICE => Direction::ToDevice,
            kernel::bindings::dma_data_direction_DMA_FROM_DEVICE => Direction::FromDevice,
            _ => Direction::None,
        }
    }

    /// Length of the data buffer, in bytes. Any context.
    #[inline]
    pub fn transfer_length(&self) -> u32 {
        // SAFETY: the command is ours; the field is not written while it is.
        unsafe { (*self.as_raw()).sdb.length }
    }

    /// True if no further command follows at once (`SCMD_LAST`): ring the doorbell now. Any context.
    #[inline]
    pub fn is_last(&self) -> bool {
        // SAFETY: the command is ours; the field is not written while it is.
        // CAST: a bit mask.
        unsafe { (*self.as_raw()).flags as u32 & bindings::SCMD_LAST != 0 }
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
        // SAFETY: the command is ours, and so is its scatter list.
        let count = unsafe { bindings::scsi_dma_map(self.as_raw()) };
        let count = u32::try_from(count).map_err(|_| ENOMEM)?;
        if count == 0 {
            return Ok(Segments::empty());
        }
        // SAFETY: the host of a command that is being queued is registered, and has its device.
        let needs_unmap =
            unsafe { kernel::bindings::dma_need_unmap((*(*(*self.as_raw()).device).host).dma_dev) };
        self.area().mapped.store(needs_unmap, Ordering::Relaxed);
        // SAFETY: the list was mapped into `count` segments, and stays mapped while `self` is borrowed.
        Ok(unsafe { Segments::new((*self.as_raw()).sdb.table.sgl, count) })
    }

    #[inline]
    fn unmap(&self) {
        let mapped = &self.area().mapped;
        if mapped.load(Ordering::Relaxed) {
            mapped.store(false, Ordering::Relaxed);
            // SAFETY: mapped by `map_data`, and only once: the flag is the owner's.
            unsafe { bindings::scsi_dma_unmap(self.as_raw()) };
        }
    }

    /// Stores sense data for the mid-layer; more than [`SENSE_LENGTH`] bytes are cut. Any context.
    pub fn set_sense(&mut self, sense: &[u8]) {
        let len = sense.len().min(SENSE_LENGTH);
        // SAFETY: the sense buffer has `SENSE_LENGTH` bytes and is the command's own.
        unsafe {
            core::ptr::copy_nonoverlapping(sense.as_ptr(), (*self.as_raw()).sense_buffer, len)
        };
    }

    /// Says how many bytes of the buffer were not transferred; never more than it has. Any context.
    #[inline]
    pub fn set_residual(&mut self, bytes: u32) {
        let bytes = bytes.min(self.transfer_length());
        // SAFETY: the command is ours.
        unsafe { (*self.as_raw()).resid_len = bytes };
    }

    /// Completes the command: unmaps its data and gives it back to the mid-layer. Any context.
    pub fn complete(self, status: Status) {
        ManuallyDrop::new(self).finish(status);
    }

    /// As [`Command::complete`], but what follows in the block layer runs here and now, not in a softirq.
    ///
    /// For the handler of an interrupt, or of a poll, which then finds more answers waiting when it looks
    /// again. Any context, inside a read-side section.
    #[inline]
    pub fn complete_here(self, _section: ReadSide<'_>, status: Status) {
        let raw = ManuallyDrop::new(self).conclude(status);
        // SAFETY: the command is ours, and is not used hereafter.
        unsafe { bindings::scsi_done_direct(raw) };
    }

    /// Must be the last use of the token.
    fn finish(&self, status: Status) {
        let _section = kernel::sync::rcu::read_lock();
        let raw = self.conclude(status);
        // SAFETY: the command is ours, and is not used hereafter.
        unsafe { bindings::scsi_done(raw) };
    }

    /// Ends the driver's ownership; the caller gives the command to the mid-layer next.
    ///
    /// Both steps are inside one read-side section. Error handling waits for the end of such sections once
    /// it sees that the driver has a command no more, see `Callbacks::step`: else it could start the
    /// command anew between the steps, and the second step would end the new use.
    #[inline]
    fn conclude(&self, status: Status) -> *mut bindings::scsi_cmnd {
        self.unmap();
        let raw = self.as_raw();
        // SAFETY: the command is ours.
        unsafe { (*raw).result = status.as_result() };
        self.area().outstanding.store(false, Ordering::Release);
        raw
    }

    /// Gives the command back: its device can take none now. Return the result from `queue`.
    pub fn reject_device_busy(self) -> Rejected<T> {
        Rejected {
            command: self,
            code: bindings::scsi_qc_status_SCSI_MLQUEUE_DEVICE_BUSY,
        }
    }

    /// Gives the command back: the host can take none now. Return the result from `queue`.
    pub fn reject_host_busy(self) -> Rejected<T> {
        Rejected {
            command: self,
            code: bindings::scsi_qc_status_SCSI_MLQUEUE_HOST_BUSY,
        }
    }
}

impl<T: LowLevelDriver> Drop for Command<T> {
    fn drop(&mut self) {
        self.finish(Status::host(HostByte::Error));
    }
}

/// The block layer's tag of a command, which stands right behind its request (`scsi_cmd_to_rq`).
///
/// # Safety
///
/// `raw` is the command of a live request.
#[inline]
unsafe fn tag_of(raw: *mut bindings::scsi_cmnd) -> u32 {
    let request = raw.cast::<kernel::bindings::request>().wrapping_sub(1);
    // SAFETY: by this function's contract. The tag is set before the command is queued, and stays.
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
    /// `raw` is a command of a registered host of `T` that stays allocated for the lifetime.
    pub(super) unsafe fn from_raw(raw: NonNull<bindings::scsi_cmnd>) -> Self {
        Self {
            raw,
            _command: PhantomData,
            _driver: PhantomData,
        }
    }

    /// The logical unit that the command is for.
    pub fn device(&self) -> &Device {
        // SAFETY: a command holds its device until error handling has finished it.
        unsafe { Device::from_raw((*self.raw.as_ptr()).device) }
    }

    /// The block layer's tag of the command.
    pub fn tag(&self) -> u32 {
        // SAFETY: the command is part of a live request.
        unsafe { tag_of(self.raw.as_ptr()) }
    }

    /// True while the driver has the command: it was neither completed nor taken out of the in-flight
    /// table and completed.
    pub fn is_outstanding(&self) -> bool {
        // SAFETY: the command stays allocated, and its area is initialised.
        unsafe { is_outstanding::<T>(self.raw.as_ptr()) }
    }
}

/// True while a [`Command`] or the in-flight table has the command.
///
/// # Safety
///
/// `raw` is a command of a host of `T` that stays allocated during the call.
pub(super) unsafe fn is_outstanding<T: LowLevelDriver>(raw: *mut bindings::scsi_cmnd) -> bool {
    // Not by a reference to the whole: the area of a reset that user space asks for is all zeros.
    // SAFETY: the area follows the command, and this part of it is initialised.
    let outstanding = unsafe { &(*area_of::<T>(raw)).outstanding };
    outstanding.load(Ordering::Acquire)
}
