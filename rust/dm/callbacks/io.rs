// SPDX-License-Identifier: GPL-2.0

//! The callbacks through which I/O goes: to the target, and back.
//!
//! C header: [`include/linux/device-mapper.h`](srctree/include/linux/device-mapper.h)

use super::super::bio::{
    Bio,
    EndedBio, //
};
use super::super::request::{
    refused,
    MapRequest,
    Request,
    RequestArea, //
};
use super::super::status::BlockStatus;
use super::super::target::Target;
use super::{
    live,
    Callbacks, //
};
use crate::bindings;
use core::ptr::NonNull;
use kernel::bindings::{
    bio,
    blk_status_t,
    request, //
};
use kernel::pr_err_once;
use kernel::prelude::*;

/// The target's area of a request.
///
/// # Safety
///
/// `info` is of a request of a mapped device whose target is a `T`.
#[inline]
unsafe fn area<T: Target>(info: *mut bindings::map_info) -> *mut RequestArea<T> {
    // SAFETY: by this function's contract; device-mapper has set it, as the target has an area.
    unsafe { (*info).ptr }.cast()
}

/// Whether a request has room for the target's area. The size is that of the target that was first loaded
/// for the mapped device, which may have been another module's, or another version.
///
/// # Safety
///
/// `rq` is a request of a mapped device, and `info` what device-mapper gives with it.
#[inline]
unsafe fn has_room<T: Target>(rq: *mut request, info: *mut bindings::map_info) -> bool {
    // SAFETY: by this function's contract; a request lies in front of its private data, whose size its
    // queue's tag set says.
    let (area, end) = unsafe {
        let size = (*(*(*rq).q).tag_set).cmd_size;
        // CAST: sizes.
        (
            area::<T>(info),
            rq.add(1).cast::<u8>().wrapping_add(size as usize),
        )
    };
    // CAST: addresses of one allocation.
    !area.is_null() && (area.wrapping_add(1) as usize) <= end as usize
}

impl<T: Target> Callbacks<T> {
    #[cold]
    fn no_room() -> c_int {
        pr_err_once!("the mapped device was made for another target: it has to be made anew\n");
        // CAST: a small constant.
        bindings::DM_MAPIO_KILL as c_int
    }

    /// # Safety
    ///
    /// Called with a request of the target's mapped device, its area, and room for a pointer.
    pub(super) unsafe extern "C" fn clone_and_map_rq(
        ti: *mut bindings::dm_target,
        rq: *mut request,
        info: *mut bindings::map_info,
        into: *mut *mut request,
    ) -> c_int {
        // SAFETY: device-mapper maps between constructor and destructor.
        let live = unsafe { live::<T>(ti) };
        // SAFETY: by this function's contract.
        if !live.has_room(|| unsafe { has_room::<T>(rq, info) }) {
            return Self::no_room();
        }
        // SAFETY: by this function's contract.
        let request = unsafe { Request::from_raw(rq) };
        let code = match T::map_request(live, request) {
            MapRequest::Clone(clone, io) => {
                // SAFETY: by this function's contract, and as `Live::has_room` has found.
                unsafe { area::<T>(info).write(RequestArea { live, io }) };
                // SAFETY: by this function's contract; device-mapper frees the clone by `release`.
                unsafe { into.write(clone.into_raw()) };
                bindings::DM_MAPIO_REMAPPED
            }
            MapRequest::Requeue => bindings::DM_MAPIO_REQUEUE,
            MapRequest::DelayRequeue => bindings::DM_MAPIO_DELAY_REQUEUE,
            MapRequest::Kill => bindings::DM_MAPIO_KILL,
        };
        // CAST: small constants, which C takes as int.
        code as c_int
    }

    /// # Safety
    ///
    /// Called once for each clone that `clone_and_map_rq` made; with an area if it was never sent.
    pub(super) unsafe extern "C" fn release_clone_rq(
        clone: *mut request,
        info: *mut bindings::map_info,
    ) {
        if !info.is_null() {
            // SAFETY: by this function's contract the area was written, and is read once, here.
            let area = unsafe { area::<T>(info).read() };
            // SAFETY: the target lives, as device-mapper is still mapping.
            let live = unsafe { &*area.live };
            T::unmap_request(live, area.io);
        }
        // SAFETY: by this function's contract it is freed once.
        unsafe { kernel::bindings::blk_mq_free_request(clone) };
    }

    /// # Safety
    ///
    /// Called once for each clone that was sent, with its area.
    pub(super) unsafe extern "C" fn rq_end_io(
        ti: *mut bindings::dm_target,
        clone: *mut request,
        error: blk_status_t,
        info: *mut bindings::map_info,
    ) -> c_int {
        // Each by itself, so that what becomes of an error costs nothing without one.
        if error == 0 {
            // SAFETY: by this function's contract.
            unsafe { Self::end_request(ti, info, BlockStatus::Ok) }
        } else {
            // SAFETY: by this function's contract.
            unsafe { Self::fail_request(ti, clone, info, error) }
        }
    }

    /// # Safety
    ///
    /// As [`Self::rq_end_io`].
    #[cold]
    #[inline(never)]
    unsafe fn fail_request(
        ti: *mut bindings::dm_target,
        clone: *mut request,
        info: *mut bindings::map_info,
        error: blk_status_t,
    ) -> c_int {
        if T::HAS_REQUEST_REFUSED {
            // SAFETY: `refused` needs a clone that was not freed: device-mapper frees it after this returns.
            let refused = NonNull::new(clone).and_then(|clone| unsafe { refused(clone) });
            if let Some(excess) = refused {
                // SAFETY: the mapped device has I/O in flight, so its table lives.
                let live = unsafe { live::<T>(ti) };
                // SAFETY: the area was written when the request was mapped, and is read once: here, and not
                // by `end_request`.
                let area = unsafe { area::<T>(info).read() };
                return T::request_refused(live, area.io, excess).as_raw();
            }
        }
        // SAFETY: by this function's contract.
        unsafe { Self::end_request(ti, info, BlockStatus::from_raw(error)) }
    }

    /// # Safety
    ///
    /// As [`Self::rq_end_io`].
    #[inline(always)]
    unsafe fn end_request(
        ti: *mut bindings::dm_target,
        info: *mut bindings::map_info,
        status: BlockStatus,
    ) -> c_int {
        // SAFETY: the mapped device has I/O in flight, so its table lives.
        let live = unsafe { live::<T>(ti) };
        // SAFETY: by this function's contract the area was written, and is read once, here.
        let area = unsafe { area::<T>(info).read() };
        T::end_request(live, area.io, status).as_raw()
    }

    /// # Safety
    ///
    /// Called with a bio of the target's mapped device, which is given away.
    pub(super) unsafe extern "C" fn map(ti: *mut bindings::dm_target, raw: *mut bio) -> c_int {
        // SAFETY: device-mapper maps between constructor and destructor.
        let live = unsafe { live::<T>(ti) };
        // SAFETY: C passes a bio, never null.
        let raw = unsafe { NonNull::new_unchecked(raw) };
        // SAFETY: by this function's contract.
        let bio = unsafe { Bio::from_map(raw) };
        T::map_bio(live, bio).into_code(raw)
    }

    /// # Safety
    ///
    /// Called with a bio that `map` was called for, when it ends.
    pub(super) unsafe extern "C" fn end_io(
        ti: *mut bindings::dm_target,
        raw: *mut bio,
        error: *mut blk_status_t,
    ) -> c_int {
        // SAFETY: by this function's contract.
        if unsafe { *error } == 0 {
            // SAFETY: by this function's contract.
            unsafe { Self::end_bio(ti, raw, error, BlockStatus::Ok) }
        } else {
            // SAFETY: by this function's contract.
            unsafe { Self::fail_bio(ti, raw, error) }
        }
    }

    /// # Safety
    ///
    /// As [`Self::end_io`].
    #[cold]
    #[inline(never)]
    unsafe fn fail_bio(
        ti: *mut bindings::dm_target,
        raw: *mut bio,
        error: *mut blk_status_t,
    ) -> c_int {
        // SAFETY: by this function's contract.
        unsafe { Self::end_bio(ti, raw, error, BlockStatus::from_raw(*error)) }
    }

    /// # Safety
    ///
    /// As [`Self::end_io`].
    #[inline(always)]
    unsafe fn end_bio(
        ti: *mut bindings::dm_target,
        raw: *mut bio,
        error: *mut blk_status_t,
        status: BlockStatus,
    ) -> c_int {
        // SAFETY: the mapped device has I/O in flight, so its table lives.
        let live = unsafe { live::<T>(ti) };
        // SAFETY: C passes a bio, never null.
        let raw = unsafe { NonNull::new_unchecked(raw) };
        // SAFETY: by this function's contract.
        let mut bio = unsafe { EndedBio::<T>::from_raw(raw) };
        let io = bio.take_io();
        let end = T::end_bio(live, bio, io, status);
        if let Some(status) = end.status {
            // SAFETY: by this function's contract.
            unsafe { *error = status.as_raw() };
        }
        end.code
    }
}
