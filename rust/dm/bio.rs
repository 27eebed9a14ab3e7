// SPDX-License-Identifier: GPL-2.0

//! Bios: what a bio-based target maps.
//!
//! C headers: [`include/linux/bio.h`](srctree/include/linux/bio.h),
//! [`include/linux/device-mapper.h`](srctree/include/linux/device-mapper.h)
//!
//! A [`Bio`] is owned by whoever holds it, and leaves its holder in one of the ways that it has methods
//! for. Those give a [`Mapped`], which only the library can take apart. A bio that is dropped ends with
//! an error: nothing is lost, nothing is done twice.
//!
//! To end a bio is allowed in any context. To submit one is not: `submit_bio_noacct` edits the lists of the
//! current task, which an interrupt may have stopped in the middle of them. So [`Mapped::submit`] takes a
//! [`TaskContext`], which no callback has that an interrupt may call. A [`Bio`] cannot be stored: what a
//! target keeps is in a [`BioList`], which gives a bio back for its own map only, so that a bio goes to
//! devices of its own map alone, which are open until it ends.

use super::context::TaskContext;
use super::device::Device;
use super::live::Live;
use super::status::BlockStatus;
use super::target::{
    Features,
    Target, //
};
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

mod list;

pub use self::list::BioList;

/// What the layers below change in a bio, as it was before; with it the bio can be sent again.
struct Details {
    bdev: *mut block_device,
    flags: u16,
    iter: bvec_iter,
    remaining: i32,
    end_io: bio_end_io_t,
    integrity: *mut bio_integrity_payload,
    /// Where its protection information was, if `integrity` is not null; else nothing that was written.
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
/// `raw` points to a bio that lives for `'a`.
#[inline]
unsafe fn remaining<'a>(raw: *mut bio) -> &'a AtomicI32 {
    // SAFETY: `from_ptr` wants a pointer that is valid and aligned for `'a`: it is to a field of the bio, which
    // the caller says lives so long. It wants no access that is not atomic meanwhile: the field is an `atomic_t`,
    // which C reads and writes by `atomic_*` only.
    unsafe { AtomicI32::from_ptr(&raw mut (*raw).__bi_remaining.counter) }
}

/// Ends a bio of a target of `T`. Any context.
///
/// # Safety
///
/// The caller owns `raw`, which [`Bio::from_map`] was called for, and does not use it hereafter.
unsafe fn end(raw: NonNull<bio>, status: BlockStatus) {
    // SAFETY: the caller owns the bio, so that it lives and nobody else writes to it.
    unsafe { (*raw.as_ptr()).bi_status = status.as_raw() };
    // SAFETY: `bio_endio` wants a bio that is not in flight and whose `bi_end_io` is set, and takes it away. The
    // caller owns it and gives it up; device-mapper set `bi_end_io` before it called `map`, and `BioList::pop`
    // puts that value back.
    unsafe { kernel::bindings::bio_endio(raw.as_ptr()) };
}

/// A bio that the target has to map. It cannot be stored: a [`BioList`] keeps bios.
///
/// # Invariants
///
/// `raw` is a clone of device-mapper's for the target `live`, is not in flight, and is owned by this type alone;
/// `area` is its area, which is initialised.
pub struct Bio<'m, T: Target> {
    raw: NonNull<bio>,
    area: NonNull<BioArea<T>>,
    live: &'m Live<T>,
}

impl<'m, T: Target> Bio<'m, T> {
    /// Takes a bio that is to be mapped, and remembers what it is like.
    ///
    /// # Safety
    ///
    /// `raw` is a bio that device-mapper asks the target `live` to map, and gives away with that. The target's
    /// `per_io_data_size` has room for a `BioArea<T>`.
    #[inline]
    pub(super) unsafe fn from_map(raw: NonNull<bio>, live: &'m Live<T>) -> Self {
        // SAFETY: the caller guarantees what `area` wants: a bio of a target of `T`, with room for the area.
        let area = unsafe { area::<T>(raw) };
        // SAFETY: the caller was given the bio, so it lives and nobody writes to it.
        let bio = unsafe { raw.as_ref() };
        // SAFETY: as above, it lives.
        let remaining = unsafe { remaining(raw.as_ptr()) }.load(Ordering::Relaxed);
        // Each field is written where it stays, as it is read.
        // SAFETY: the area is valid for writing: it has the size, lies in front of the bio, and belongs to the
        // target alone while the bio does. Of what it held nothing has to be dropped: `io` was taken when the
        // last bio in this memory ended, and the details have nothing to drop.
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
            // SAFETY: a bio's protection information lives as long as the bio, and only who has the bio writes it.
            let iter = unsafe { (*payload.as_ptr()).bip_iter };
            // SAFETY: the area is valid for writing, as above.
            unsafe { (*area.as_ptr()).details.integrity_iter.write(iter) };
        }
        // INVARIANT: the caller says whose bio it is, and gives it; the area was initialised above.
        Self { raw, area, live }
    }

    /// Takes a bio again that the target has.
    ///
    /// # Safety
    ///
    /// [`Self::from_map`] was called for `raw` and `live`; the caller owns it, and gives it away with this.
    #[inline]
    unsafe fn from_held(raw: NonNull<bio>, live: &'m Live<T>) -> Self {
        // INVARIANT: the caller says whose bio it is, and gives it; `from_map` has initialised the area.
        Self {
            raw,
            // SAFETY: as for `from_map`, which the caller says was called.
            area: unsafe { area::<T>(raw) },
            live,
        }
    }

    #[inline]
    fn bio(&mut self) -> &mut bio {
        // SAFETY: by the type's invariant the bio lives and nobody else uses it; the exclusive borrow of this is
        // one of it.
        unsafe { self.raw.as_mut() }
    }

    #[inline]
    fn leave(self, code: u32) -> Mapped<'m, T> {
        // INVARIANT: what is owned here is owned by what is returned. The callers set the device, where the code
        // is that of a bio that has one.
        Mapped {
            raw: ManuallyDrop::new(self).raw,
            // CAST: small constants, which C returns as int.
            code: code as c_int,
            _map: PhantomData,
        }
    }

    /// Bytes that it moves. Any context.
    #[inline]
    pub fn bytes(&self) -> u32 {
        // SAFETY: by the type's invariant the bio lives and is not in flight, so that nobody writes to it.
        unsafe { self.raw.as_ref().bi_iter.bi_size }
    }

    /// It goes to `device`; `io` is kept with it until it ends.
    #[inline]
    pub fn remap(mut self, device: &'m Device, io: T::Io) -> Mapped<'m, T> {
        // SAFETY: by the type's invariant the area is initialised; it belongs to who owns the bio.
        unsafe { self.area.as_mut() }.io = Some(io);
        let bio = self.bio();
        bio.bi_status = 0;
        bio.bi_opf |= device.fail_fast();
        set_device(bio, device);
        self.leave(bindings::DM_MAPIO_REMAPPED)
    }

    /// The target keeps it and sends it later. It ends with an error instead if the list has bios of another
    /// map.
    #[inline]
    pub fn hold(self, list: &mut BioList<T>) -> Mapped<'m, T> {
        let raw = self.raw;
        if let Err(bio) = list.push(self) {
            return bio.kill();
        }
        // INVARIANT: with this code nothing is owned.
        Mapped {
            raw,
            // CAST: a small constant.
            code: bindings::DM_MAPIO_SUBMITTED as c_int,
            _map: PhantomData,
        }
    }

    /// Device-mapper keeps it until the table is live again.
    #[inline]
    pub fn requeue(self) -> Mapped<'m, T> {
        self.leave(bindings::DM_MAPIO_REQUEUE)
    }

    /// It ends with an I/O error.
    #[inline]
    pub fn kill(self) -> Mapped<'m, T> {
        self.leave(bindings::DM_MAPIO_KILL)
    }
}

impl<T: Target> Drop for Bio<'_, T> {
    /// Ends it with an error. Any context.
    fn drop(&mut self) {
        // SAFETY: by the type's invariant it is owned and went through `from_map`; this is its last use.
        unsafe { end(self.raw, BlockStatus::IoError) };
    }
}

/// What a target did with a bio. [`Target::map_bio`] returns it, or [`Self::submit`] carries it out. One that
/// is dropped instead ends its bio with an error, unless that is held.
///
/// # Invariants
///
/// Unless `code` is `DM_MAPIO_SUBMITTED`, this owns `raw`, for which [`Bio::from_map`] was called and which is
/// not in flight. If `code` is `DM_MAPIO_REMAPPED`, the bio's device is set to an open one of its map.
#[must_use]
pub struct Mapped<'m, T: Target> {
    raw: NonNull<bio>,
    code: c_int,
    _map: PhantomData<&'m Live<T>>,
}

impl<T: Target> Mapped<'_, T> {
    /// What the map callback returns for `raw`.
    #[inline]
    pub(super) fn into_code(self, raw: NonNull<bio>, task: &TaskContext) -> c_int {
        if self.raw != raw {
            // A target answered with another bio: that one goes its way, and this one already did.
            self.submit(task);
            // CAST: a small constant.
            return bindings::DM_MAPIO_SUBMITTED as c_int;
        }
        ManuallyDrop::new(self).code
    }

    /// Carries it out, for a bio that was held. May sleep.
    pub fn submit(self, _task: &TaskContext) {
        // CAST: a small constant.
        if self.code as u32 != bindings::DM_MAPIO_REMAPPED {
            return;
        }
        let raw = ManuallyDrop::new(self).raw.as_ptr();
        if T::FEATURES.has(Features::SINGLETON) {
            // Device-mapper begins to account for a bio that such a target holds when `map` has returned, which may
            // be just now: `dm_submit_bio_remap` would do so beside it.
            // SAFETY: `submit_bio_noacct` wants a bio that is not in flight, with an open device, and the caller in
            // task context. The type's invariant says the former, and that the bio is owned and given away here.
            // `_task` is the proof of the latter.
            unsafe { kernel::bindings::submit_bio_noacct(raw) };
            return;
        }
        // SAFETY: `dm_submit_bio_remap` wants a clone of device-mapper's whose `map` has returned
        // `DM_MAPIO_SUBMITTED` or is running, and a bio to send, here the same; and as it calls
        // `submit_bio_noacct`, a bio that is not in flight, with an open device, and the caller in task context.
        // The type's invariant says the former, and that the bio is owned and given away here; `_task` is the
        // proof of the latter.
        unsafe { bindings::dm_submit_bio_remap(raw, core::ptr::null_mut()) };
    }
}

impl<T: Target> Drop for Mapped<'_, T> {
    /// Ends the bio, if it is not held. Any context.
    fn drop(&mut self) {
        // CAST: a small constant.
        let status = match self.code as u32 {
            bindings::DM_MAPIO_SUBMITTED => return,
            bindings::DM_MAPIO_REQUEUE => BlockStatus::DmRequeue,
            _ => BlockStatus::IoError,
        };
        // SAFETY: with these codes the type's invariant says that it is owned and went through `from_map`; this
        // is its last use.
        unsafe { end(self.raw, status) };
    }
}

/// A bio that has come back from its device, or was ended by the target itself.
///
/// # Invariants
///
/// `raw` is a clone of device-mapper's for the target `live`, whose area is initialised; its end is being
/// handled for all of `'b`, so that nobody else uses it.
pub struct EndedBio<'b, T: Target> {
    raw: NonNull<bio>,
    /// It cannot be kept longer than its end is being handled.
    live: &'b Live<T>,
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
    /// [`Bio::from_map`] was called for `raw` and `live`, and the bio's end is being handled for all of `'b`.
    #[inline]
    pub(super) unsafe fn from_raw(raw: NonNull<bio>, live: &'b Live<T>) -> Self {
        // INVARIANT: the caller says whose bio it is and that it has ended; `from_map` has initialised the area.
        Self { raw, live }
    }

    #[inline]
    pub(super) fn take_io(&mut self) -> Option<T::Io> {
        // SAFETY: by the type's invariant it is a bio of a target of `T`, which is what `area` wants.
        let mut area = unsafe { area::<T>(self.raw) };
        // SAFETY: by the type's invariant the area is initialised, and nobody else uses it now.
        unsafe { area.as_mut() }.io.take()
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

    /// The target keeps it, as it was before it was mapped, and sends it again later. It ends with an error
    /// instead if the list has bios of another map.
    pub fn hold(self, list: &mut BioList<T>) -> EndBio<'b, T> {
        // SAFETY: by the type's invariant `from_map` was called for both. Device-mapper leaves the bio to the
        // target with the first code below, and this, the only one who can say so for this bio, is consumed. With
        // the other code the bio is device-mapper's, and the value that owned it is not dropped.
        match list.push(unsafe { Bio::from_held(self.raw, self.live) }) {
            Ok(()) => Self::leave(bindings::DM_ENDIO_INCOMPLETE, None),
            Err(bio) => {
                // Its end is being handled: to drop it would end it again, and call the target again.
                let _ = ManuallyDrop::new(bio);
                Self::leave(bindings::DM_ENDIO_DONE, Some(BlockStatus::IoError))
            }
        }
    }
}

/// Collects the bios that are sent while `send` runs, and hands them to their devices together.
pub fn with_plug(_task: &TaskContext, send: impl FnOnce()) {
    let mut plug = MaybeUninit::<kernel::bindings::blk_plug>::uninit();
    // SAFETY: `blk_start_plug` wants a plug that stays where it is until it is finished, and the caller in task
    // context, as it becomes the current task's. It is a local that is not moved; `_task` is the proof.
    unsafe { kernel::bindings::blk_start_plug(plug.as_mut_ptr()) };
    send();
    // SAFETY: `blk_finish_plug` wants a plug that the same task has started: above, in this function.
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
    // SAFETY: `bio_associate_blkg` wants a bio that nobody else uses, whose `bi_bdev` is valid: the bio is
    // borrowed exclusively, and a `Device` has its block device open.
    unsafe { bindings::bio_associate_blkg(bio) };
}

/// The target's area of a bio.
///
/// # Safety
///
/// `raw` is a bio that device-mapper has cloned for a target of `T`, whose `per_io_data_size` has room for a
/// `BioArea<T>`.
#[inline]
unsafe fn area<T: Target>(raw: NonNull<bio>) -> NonNull<BioArea<T>> {
    let size = core::mem::size_of::<BioArea<T>>();
    // SAFETY: `dm_per_bio_data` wants a clone of device-mapper's with room for so many bytes in front of it, which
    // is what the caller guarantees.
    let area = unsafe { bindings::dm_per_bio_data(raw.as_ptr(), size) };
    // SAFETY: it lies in front of the bio, in the same allocation, so it is not null.
    unsafe { NonNull::new_unchecked(area.cast()) }
}
