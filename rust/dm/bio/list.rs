// SPDX-License-Identifier: GPL-2.0

//! The bios that a target keeps.
//!
//! C header: [`include/linux/bio.h`](srctree/include/linux/bio.h)

use super::super::live::Live;
use super::super::status::BlockStatus;
use super::super::target::Target;
use super::{
    area,
    end,
    protection,
    remaining,
    set_integrity,
    Bio, //
};
use core::mem::ManuallyDrop;
use core::ptr::NonNull;
use core::sync::atomic::Ordering;
use kernel::bindings::bio;

/// Bios that a target keeps, oldest first, linked through themselves: of one map at a time. What is left in it
/// when it is dropped ends with an error.
///
/// # Invariants
///
/// The bios from `head` to `tail`, linked by `bi_next`, are owned by the list and not in flight.
/// [`Bio::from_map`] was called for each of them and `owner`, which lives while the list is not empty.
pub struct BioList<T: Target> {
    head: *mut bio,
    tail: *mut bio,
    owner: *const Live<T>,
}

// SAFETY: the list owns its bios, which can be handled by any thread, one at a time; what is kept with them is
// `Send` by the bound on `Target::Io`. The owner is compared only.
unsafe impl<T: Target> Send for BioList<T> {}

impl<T: Target> BioList<T> {
    /// An empty list.
    pub const fn new() -> Self {
        // INVARIANT: it has no bio.
        Self {
            head: core::ptr::null_mut(),
            tail: core::ptr::null_mut(),
            owner: core::ptr::null(),
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

    /// Keeps a bio; gives it back if the list has bios of another map.
    pub(super) fn push<'m>(&mut self, bio: Bio<'m, T>) -> Result<(), Bio<'m, T>> {
        let live = core::ptr::from_ref(bio.live);
        if !self.is_empty() && self.owner != live {
            return Err(bio);
        }
        self.owner = live;
        let raw = ManuallyDrop::new(bio).raw.as_ptr();
        // SAFETY: the bio was owned by the `Bio`, and is by this list now: it lives, is not in flight, and
        // `bi_next` is its owner's to use.
        unsafe { (*raw).bi_next = core::ptr::null_mut() };
        if self.tail.is_null() {
            self.head = raw;
        } else {
            // SAFETY: by the type's invariant the last bio is owned by the list, so it lives.
            unsafe { (*self.tail).bi_next = raw };
        }
        // INVARIANT: linked above, and owned. A bio keeps its map's table, and with that `owner`, alive.
        self.tail = raw;
        Ok(())
    }

    /// Takes the oldest one out, as it was when it was first to be mapped. [`None`] if there is none, or if they
    /// are those of another map than `live`.
    pub fn pop<'m>(&mut self, live: &'m Live<T>) -> Option<Bio<'m, T>> {
        if !core::ptr::eq(self.owner, live) {
            return None;
        }
        let raw = self.unlink()?;
        // SAFETY: by the type's invariant `from_map` was called for the bio and `owner`, which is `live`; the list
        // owned the bio until `unlink` gave it out.
        Some(unsafe { Bio::from_held(raw, live) })
    }

    /// Takes the oldest one out; the caller owns it.
    fn unlink(&mut self) -> Option<NonNull<bio>> {
        let raw = NonNull::new(self.head)?;
        // SAFETY: by the type's invariant the bio is owned by the list: it lives and nobody else uses it.
        let bio = unsafe { &mut *raw.as_ptr() };
        self.head = bio.bi_next;
        if self.head.is_null() {
            self.tail = core::ptr::null_mut();
        }
        bio.bi_next = core::ptr::null_mut();
        // SAFETY: by the type's invariant it went through `from_map`, so it is a bio of a target of `T`.
        let area = unsafe { area::<T>(raw) };
        // SAFETY: `from_map` has initialised the area, which belongs to who owns the bio.
        let details = unsafe { &area.as_ref().details };
        bio.bi_bdev = details.bdev;
        bio.bi_flags = details.flags;
        bio.bi_iter = details.iter;
        bio.bi_end_io = details.end_io;
        set_integrity(bio, details.integrity);
        if let Some(payload) = protection(details.integrity) {
            // SAFETY: `from_map` has written `integrity_iter` where `integrity` is not null.
            let iter = unsafe { details.integrity_iter.assume_init() };
            // SAFETY: a bio's protection information lives as long as the bio, and no layer below has that now.
            unsafe { (*payload.as_ptr()).bip_iter = iter };
        }
        // SAFETY: the bio is owned, so it lives.
        unsafe { remaining(raw.as_ptr()) }.store(details.remaining, Ordering::Relaxed);
        Some(raw)
    }
}

impl<T: Target> Default for BioList<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Target> Drop for BioList<T> {
    /// Ends what is left with an error. Any context.
    fn drop(&mut self) {
        while let Some(raw) = self.unlink() {
            // SAFETY: `unlink` has given the bio out, which by the type's invariant went through `from_map`; this
            // is its last use.
            unsafe { end(raw, BlockStatus::IoError) };
        }
    }
}
