// SPDX-License-Identifier: GPL-2.0

//! Bios: what a bio-based target maps.
//!
//! C headers: [`include/linux/bio.h`](srctree/include/linux/bio.h),
//! [`include/linux/device-mapper.h`](srctree/include/linux/device-mapper.h)
//!
//! A [`Bio`] is owned by whoever holds it, and leaves its holder in one of the ways that it has methods
//! for. Those give a [`Mapped`], which only the library can take apart. A bio that is dropped ends with
//! an error: nothing is lost, nothing is done twice.

use super::device::Device;
use super::status::BlockStatus;
use super::target::Target;
use crate::bindings;
use core::marker::PhantomData;
use core::mem::{
    ManuallyDrop,
    MaybeUninit, //
};
use core::ptr::NonNull;
use core::sync::atomic::{
    AtomicI32,
    Ordering, //
};
use kernel::bindings::{
    bio,
    bio_end_io_t,
    bio_integrity_payload,
    block_device,
    bvec_iter, //
};
use kernel::prelude::*;

/// What the layers below change in a bio, as it was before; with it the bio can be sent again.
struct Details {
    bdev: *mut block_device,
    flags: u16,
    iter: bvec_iter,
    remaining: i32,
    end_io: bio_end_io_t,
    integrity: *mut bio_integrity_payload,
    /// Where its protection information was, if it has any; else nothing that was written.
    integrity_iter: MaybeUninit<bvec_iter>,
}

/// The target's data of one bio, in device-mapper's own area of it.
pub(super) struct BioArea<T: Target> {
    io: Option<T::Io>,
    details: Details,
}

/// Where a bio's protection information is; null if it has none.
#[cfg(CONFIG_BLK_DEV_INTEGRITY)]
#[inline]
fn integrity(bio: &bio) -> *mut bio_integrity_payload {
    bio.bi_integrity
}

#[cfg(CONFIG_BLK_DEV_INTEGRITY)]
#[inline]
fn set_integrity(bio: &mut bio, integrity: *mut bio_integrity_payload) {
    bio.bi_integrity = integrity;
}

/// In this kernel no bio has protection information.
#[cfg(not(CONFIG_BLK_DEV_INTEGRITY))]
#[inline]
fn integrity(_: &bio) -> *mut bio_integrity_payload {
    core::ptr::null_mut()
}

#[cfg(not(CONFIG_BLK_DEV_INTEGRITY))]
#[inline]
fn set_integrity(_: &mut bio, _: *mut bio_integrity_payload) {}

/// The protection information that a bio may have, as its whole header describes it.
#[inline]
fn protection(raw: *mut bio_integrity_payload) -> Option<NonNull<bindings::bio_integrity_payload>> {
    NonNull::new(raw.cast())
}

/// `__bi_remaining` of a bio.
///
/// # Safety
///
/// The bio is valid for `'a`.
#[inline]
unsafe fn remaining<'a>(raw: *mut bio) -> &'a AtomicI32 {
    // SAFETY: by this function's contract; the counter is only changed atomically.
    unsafe { AtomicI32::from_ptr(&raw mut (*raw).__bi_remaining.counter) }
}

/// A bio that the target has to map.
///
/// # Invariants
///
/// It is a clone of device-mapper's for the target, and owned by this type alone; `area` is its area, which
/// is initialised.
pub struct Bio<T: Target> {
    raw: NonNull<bio>,
    area: NonNull<BioArea<T>>,
}

// SAFETY: a bio can be handled by any thread, one at a time.
unsafe impl<T: Target> Send for Bio<T> {}

impl<T: Target> Bio<T> {
    /// Takes a bio that is to be mapped, and remembers what it is like.
    ///
    /// # Safety
    ///
    /// `raw` is a bio that device-mapper asks a target of `T` to map, and gives away with that.
    #[inline]
    pub(super) unsafe fn from_map(raw: NonNull<bio>) -> Self {
        // SAFETY: by this function's contract.
        let area = unsafe { area::<T>(raw) };
        // SAFETY: by this function's contract.
        let bio = unsafe { raw.as_ref() };
        // SAFETY: by this function's contract.
        let remaining = unsafe { remaining(raw.as_ptr()) }.load(Ordering::Relaxed);
        // Each field is written where it stays, as it is read.
        // SAFETY: the area has room for this, as the constructor has said; it lies in front of the bio, and nobody
        // else uses it. Of what it held nothing is dropped: the details have nothing to drop.
        unsafe {
            let area = area.as_ptr();
            (&raw mut (*area).io).write(None);
            (*area).details.bdev = bio.bi_bdev;
            (*area).details.flags = bio.bi_flags;
            (*area).details.iter = bio.bi_iter;
            (*area).details.remaining = remaining;
            (*area).details.end_io = bio.bi_end_io;
            (*area).details.integrity = integrity(bio);
        }
        if let Some(payload) = protection(integrity(bio)) {
            // SAFETY: a bio's protection information lives as long as the bio.
            let iter = unsafe { (*payload.as_ptr()).bip_iter };
            // SAFETY: as above.
            unsafe { (*area.as_ptr()).details.integrity_iter.write(iter) };
        }
        // INVARIANT: by this function's contract; the area was initialised.
        Self { raw, area }
    }

    /// Takes a bio again that the target has.
    ///
    /// # Safety
    ///
    /// `raw` went through [`Self::from_map`], and is given to the caller.
    #[inline]
    unsafe fn from_held(raw: NonNull<bio>) -> Self {
        // INVARIANT: by this function's contract.
        Self {
            raw,
            // SAFETY: by this function's contract.
            area: unsafe { area::<T>(raw) },
        }
    }

    #[inline]
    fn bio(&mut self) -> &mut bio {
        // SAFETY: by the invariant.
        unsafe { self.raw.as_mut() }
    }

    #[inline]
    fn leave(self, code: u32) -> Mapped<T> {
        // CAST: small constants, which C returns as int.
        Mapped {
            raw: ManuallyDrop::new(self).raw,
            code: code as c_int,
            _target: PhantomData,
        }
    }

    /// Bytes that it moves. Any context.
    #[inline]
    pub fn bytes(&self) -> u32 {
        // SAFETY: by the invariant.
        unsafe { self.raw.as_ref().bi_iter.bi_size }
    }

    /// Whether it writes to the device, as all odd operations do. Any context.
    #[inline]
    pub fn is_write(&self) -> bool {
        // SAFETY: by the invariant.
        unsafe { self.raw.as_ref().bi_opf & 1 != 0 }
    }

    /// It goes to `device`; `io` is kept with it until it ends.
    #[inline]
    pub fn remap(mut self, device: &Device, io: T::Io) -> Mapped<T> {
        // SAFETY: by the invariant the area is initialised, and nobody else uses it now.
        unsafe { self.area.as_mut() }.io = Some(io);
        let bio = self.bio();
        bio.bi_status = 0;
        bio.bi_opf |= device.fail_fast();
        set_device(bio, device);
        self.leave(bindings::DM_MAPIO_REMAPPED)
    }

    /// The target keeps it and sends it later.
    #[inline]
    pub fn hold(self, list: &mut BioList<T>) -> Mapped<T> {
        let raw = self.raw;
        list.push(self);
        Mapped {
            raw,
            // CAST: a small constant.
            code: bindings::DM_MAPIO_SUBMITTED as c_int,
            _target: PhantomData,
        }
    }

    /// Device-mapper keeps it until the table is live again.
    #[inline]
    pub fn requeue(self) -> Mapped<T> {
        self.leave(bindings::DM_MAPIO_REQUEUE)
    }

    /// It ends with an I/O error.
    #[inline]
    pub fn kill(self) -> Mapped<T> {
        self.leave(bindings::DM_MAPIO_KILL)
    }

    /// Ends it here.
    fn end(self, status: BlockStatus) {
        let mut this = ManuallyDrop::new(self);
        this.bio().bi_status = status.as_raw();
        // SAFETY: by the invariant; the bio is not used hereafter.
        unsafe { kernel::bindings::bio_endio(this.raw.as_ptr()) };
    }
}

impl<T: Target> Drop for Bio<T> {
    fn drop(&mut self) {
        // INVARIANT: ownership moves to the new value, and this one is gone.
        let bio = Self {
            raw: self.raw,
            area: self.area,
        };
        bio.end(BlockStatus::IoError);
    }
}

/// What a target did with a bio. Whatever it is, it happens, even if this is dropped.
#[must_use]
pub struct Mapped<T: Target> {
    raw: NonNull<bio>,
    code: c_int,
    _target: PhantomData<fn() -> T>,
}

impl<T: Target> Mapped<T> {
    /// What the map callback returns for `raw`.
    #[inline]
    pub(super) fn into_code(self, raw: NonNull<bio>) -> c_int {
        if self.raw != raw {
            // A target answered with another bio: that one goes its way, and this one already did.
            drop(self);
            // CAST: a small constant.
            return bindings::DM_MAPIO_SUBMITTED as c_int;
        }
        ManuallyDrop::new(self).code
    }

    /// Carries it out, for a bio that was held.
    pub fn carry_out(self) {}
}

impl<T: Target> Drop for Mapped<T> {
    fn drop(&mut self) {
        // CAST: a small constant.
        let code = self.code as u32;
        if code == bindings::DM_MAPIO_REMAPPED {
            // SAFETY: the bio is ours, and its device is set.
            unsafe { kernel::bindings::submit_bio_noacct(self.raw.as_ptr()) };
        } else if code != bindings::DM_MAPIO_SUBMITTED {
            // SAFETY: the bio is one of `T`'s that went through `Bio`.
            let bio = unsafe { Bio::<T>::from_held(self.raw) };
            if code == bindings::DM_MAPIO_REQUEUE {
                bio.end(BlockStatus::DmRequeue);
            } else {
                bio.end(BlockStatus::IoError);
            }
        }
    }
}

/// A bio that has come back from its device, or was ended by the target itself.
///
/// # Invariants
///
/// It is a clone of device-mapper's for the target, whose area is initialised; its end is being handled.
pub struct EndedBio<'b, T: Target> {
    raw: NonNull<bio>,
    /// It cannot be kept longer than its end is being handled.
    _end: PhantomData<&'b ()>,
    _target: PhantomData<fn() -> T>,
}

/// What becomes of an ended bio.
#[must_use]
pub struct EndBio<'b, T: Target> {
    pub(super) code: c_int,
    pub(super) status: Option<BlockStatus>,
    /// It is the answer for this bio only.
    _end: PhantomData<&'b ()>,
    _target: PhantomData<fn() -> T>,
}

impl<'b, T: Target> EndedBio<'b, T> {
    /// # Safety
    ///
    /// `raw` is a bio of a target of `T` that went through [`Bio::from_map`] and whose end is being
    /// handled for all of `'b`.
    #[inline]
    pub(super) unsafe fn from_raw(raw: NonNull<bio>) -> Self {
        // INVARIANT: by this function's contract.
        Self {
            raw,
            _end: PhantomData,
            _target: PhantomData,
        }
    }

    #[inline]
    pub(super) fn take_io(&mut self) -> Option<T::Io> {
        // SAFETY: by the invariant the area is initialised, and nobody else uses it now.
        unsafe { area::<T>(self.raw).as_mut() }.io.take()
    }

    #[inline]
    fn leave(code: u32, status: Option<BlockStatus>) -> EndBio<'b, T> {
        // CAST: small constants, which C returns as int.
        EndBio {
            code: code as c_int,
            status,
            _end: PhantomData,
            _target: PhantomData,
        }
    }

    /// It ends as it is.
    #[inline]
    pub fn done(self) -> EndBio<'b, T> {
        Self::leave(bindings::DM_ENDIO_DONE, None)
    }

    /// It ends with another status.
    pub fn done_with(self, status: BlockStatus) -> EndBio<'b, T> {
        Self::leave(bindings::DM_ENDIO_DONE, Some(status))
    }

    /// Device-mapper keeps it until the table is live again.
    pub fn requeue(self) -> EndBio<'b, T> {
        Self::leave(bindings::DM_ENDIO_REQUEUE, None)
    }

    /// The target keeps it, as it was before it was mapped, and sends it again later.
    pub fn hold(self, list: &mut BioList<T>) -> EndBio<'b, T> {
        // SAFETY: by the invariant; device-mapper leaves the bio to the target.
        list.push(unsafe { Bio::from_held(self.raw) });
        Self::leave(bindings::DM_ENDIO_INCOMPLETE, None)
    }
}

/// Bios that a target keeps, oldest first, linked through themselves. What is left in it when it is
/// dropped ends with an error.
///
/// # Invariants
///
/// The bios from `head` to `tail`, linked by `bi_next`, are owned by the list.
pub struct BioList<T: Target> {
    head: *mut bio,
    tail: *mut bio,
    _target: PhantomData<fn() -> T>,
}

// SAFETY: bios can be handled by any thread, one at a time.
unsafe impl<T: Target> Send for BioList<T> {}

impl<T: Target> BioList<T> {
    /// An empty list.
    pub const fn new() -> Self {
        Self {
            head: core::ptr::null_mut(),
            tail: core::ptr::null_mut(),
            _target: PhantomData,
        }
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.head.is_null()
    }

    /// Takes all of them out.
    pub fn take(&mut self) -> Self {
        core::mem::replace(self, Self::new())
    }

    fn push(&mut self, bio: Bio<T>) {
        let raw = ManuallyDrop::new(bio).raw.as_ptr();
        // SAFETY: a bio that is not in flight is linked by its owner.
        unsafe { (*raw).bi_next = core::ptr::null_mut() };
        if self.tail.is_null() {
            self.head = raw;
        } else {
            // SAFETY: by the invariant.
            unsafe { (*self.tail).bi_next = raw };
        }
        // INVARIANT: linked above, and owned.
        self.tail = raw;
    }

    /// Takes the oldest one out, as it was when it was first to be mapped.
    pub fn pop(&mut self) -> Option<Bio<T>> {
        let raw = NonNull::new(self.head)?;
        // SAFETY: by the invariant.
        let bio = unsafe { &mut *raw.as_ptr() };
        self.head = bio.bi_next;
        if self.head.is_null() {
            self.tail = core::ptr::null_mut();
        }
        bio.bi_next = core::ptr::null_mut();
        // SAFETY: bios in a list have come through `Bio`, and it is taken out here.
        let held = unsafe { Bio::from_held(raw) };
        // SAFETY: by the invariant of `Bio`.
        let details = unsafe { &held.area.as_ref().details };
        bio.bi_bdev = details.bdev;
        bio.bi_flags = details.flags;
        bio.bi_iter = details.iter;
        bio.bi_end_io = details.end_io;
        set_integrity(bio, details.integrity);
        if let Some(payload) = protection(details.integrity) {
            // SAFETY: as when it was read and the other was written; no layer below has the bio.
            unsafe { (*payload.as_ptr()).bip_iter = details.integrity_iter.assume_init() };
        }
        // SAFETY: the bio is valid.
        unsafe { remaining(raw.as_ptr()) }.store(details.remaining, Ordering::Relaxed);
        Some(held)
    }
}

impl<T: Target> Default for BioList<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Target> Drop for BioList<T> {
    fn drop(&mut self) {
        while self.pop().is_some() {}
    }
}

/// Collects the bios that are sent while it lives, and hands them to their devices together. It stays on
/// the stack of the thread that sends them.
pub fn with_plug(send: impl FnOnce()) {
    let mut plug = MaybeUninit::<kernel::bindings::blk_plug>::uninit();
    // SAFETY: the plug is valid until it is finished, by the same thread.
    unsafe { kernel::bindings::blk_start_plug(plug.as_mut_ptr()) };
    send();
    // SAFETY: started above.
    unsafe { kernel::bindings::blk_finish_plug(plug.as_mut_ptr()) };
}

/// Sends a bio to another device (`bio_set_dev`).
#[inline]
fn set_device(bio: &mut bio, device: &Device) {
    const REMAPPED: u16 = 1 << kernel::bindings::BIO_REMAPPED;
    const BPS_THROTTLED: u16 = 1 << kernel::bindings::BIO_BPS_THROTTLED;
    bio.bi_flags &= !REMAPPED;
    if bio.bi_bdev != device.bdev() {
        bio.bi_flags &= !BPS_THROTTLED;
    }
    bio.bi_bdev = device.bdev();
    // SAFETY: the bio is valid, is not in flight, and its device is open.
    unsafe { bindings::bio_associate_blkg(bio) };
}

/// The target's area of a bio.
///
/// # Safety
///
/// `raw` is a bio of a target of `T`.
#[inline]
unsafe fn area<T: Target>(raw: NonNull<bio>) -> NonNull<BioArea<T>> {
    let size = core::mem::size_of::<BioArea<T>>();
    // SAFETY: by this function's contract the area has this size.
    let area = unsafe { bindings::dm_per_bio_data(raw.as_ptr(), size) };
    // SAFETY: it lies in front of the bio.
    unsafe { NonNull::new_unchecked(area.cast()) }
}
