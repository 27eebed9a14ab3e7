// SPDX-License-Identifier: GPL-2.0

//! The callbacks through which I/O goes: to the target, and back.
//!
//! C header: [`include/linux/device-mapper.h`](srctree/include/linux/device-mapper.h)

use super::super::bio::{
    Bio,
    EndedBio, //
};
use super::super::context::TaskContext;
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
/// `info` is what device-mapper gives with a request of a mapped device: valid for reading.
#[inline]
unsafe fn area<T: Target>(info: *mut bindings::map_info) -> *mut RequestArea<T> {
    // SAFETY: the caller says that it is valid for reading. Of a request device-mapper uses this field of the
    // union; it is null where the request has no room for a target's data.
    unsafe { (*info).ptr }.cast()
}

/// Whether a request has room for the target's area. The size is that of the target that was first loaded
/// for the mapped device, which may have been another module's, or another version.
///
/// # Safety
///
/// `rq` is a request of a request-based mapped device, and `info` what device-mapper gives with it.
#[inline]
unsafe fn has_room<T: Target>(rq: *mut request, info: *mut bindings::map_info) -> bool {
    // SAFETY: a request that is being mapped has its queue, and a queue that takes requests has its tag set; the
    // size in it does not change.
    let size = unsafe { (*(*(*rq).q).tag_set).cmd_size };
    // SAFETY: the caller guarantees what `area` wants.
    let area = unsafe { area::<T>(info) };
    // A request lies in front of its private data, which has that size.
    // CAST: sizes.
    let end = rq.wrapping_add(1).cast::<u8>().wrapping_add(size as usize);
    // CAST: addresses of one allocation.
    !area.is_null() && (area.wrapping_add(1) as usize) <= end as usize
}

impl<T: Target> Callbacks<T> {
    #[cold]
    fn no_room() -> c_int {
        pr_err_once!(
            "the mapped device was created for another target, and has to be created again\n"
        );
        // CAST: a small constant.
        bindings::DM_MAPIO_KILL as c_int
    }

    /// # Safety
    ///
    /// Called by device-mapper with a live target of `T`, a request of its mapped device that is being mapped,
    /// what it gives with that request, and a place for a pointer that is valid for writing.
    pub(super) unsafe extern "C" fn clone_and_map_rq(
        ti: *mut bindings::dm_target,
        rq: *mut request,
        info: *mut bindings::map_info,
        into: *mut *mut request,
    ) -> c_int {
        // SAFETY: `live` wants a target between its constructor and destructor: the caller says that it is live.
        let live = unsafe { live::<T>(ti) };
        // SAFETY: `has_room` wants a request of a mapped device and what belongs to it: the caller's are.
        if !live.has_room(|| unsafe { has_room::<T>(rq, info) }) {
            return Self::no_room();
        }
        // SAFETY: `from_raw` wants a request that is being mapped while the reference lives, which ends with this
        // call: `map_request` cannot keep it, whatever its lifetime.
        let request = unsafe { Request::from_raw(rq) };
        let code = match T::map_request(live, request) {
            MapRequest::Clone(clone, io) => {
                // SAFETY: `area` wants what device-mapper gives with a request: the caller's is.
                let area = unsafe { area::<T>(info) };
                // SAFETY: `write` wants room and alignment: `Live::has_room` has found the former, and
                // device-mapper puts the area behind its own data, which is aligned to 8, and
                // `Callbacks::ctr` asserts that this is enough. Nothing is lost of what was there: an area is
                // read out when its request ends or is given back.
                unsafe { area.write(RequestArea { live, io }) };
                // SAFETY: the caller says that it is valid for writing. Who reads it gives the clone to
                // `release_clone_rq`.
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
    /// Called by device-mapper once for each clone that `clone_and_map_rq` gave it, when the clone is not in
    /// flight: while its request is being mapped, with what belongs to that request, if the clone cannot be sent
    /// now; else, after [`Self::rq_end_io`], with null.
    pub(super) unsafe extern "C" fn release_clone_rq(
        clone: *mut request,
        info: *mut bindings::map_info,
    ) {
        if !info.is_null() {
            // SAFETY: `area` wants what device-mapper gives with a request: the caller says that this is it.
            let area = unsafe { area::<T>(info) };
            // SAFETY: `clone_and_map_rq` wrote the area when it made this clone, for which `rq_end_io` is not
            // called then: it is read out once, here.
            let area = unsafe { area.read() };
            // SAFETY: `clone_and_map_rq` wrote the target that maps the request, which device-mapper is still
            // doing, so its table lives.
            let live = unsafe { &*area.live };
            T::unmap_request(live, area.io);
        }
        // SAFETY: `blk_mq_free_request` wants a request that the caller owns and that is not in flight:
        // device-mapper gives the clone back with this call, unsent or ended, and no more than once.
        unsafe { kernel::bindings::blk_mq_free_request(clone) };
    }

    /// # Safety
    ///
    /// Called by device-mapper once for each clone that has ended or was refused by its device's queue for good,
    /// with the target that mapped its request and what belongs to that, before [`Self::release_clone_rq`].
    pub(super) unsafe extern "C" fn rq_end_io(
        ti: *mut bindings::dm_target,
        clone: *mut request,
        error: blk_status_t,
        info: *mut bindings::map_info,
    ) -> c_int {
        // Each by itself, so that what becomes of an error costs nothing without one.
        if error == 0 {
            // SAFETY: `end_request` wants what is guaranteed to this function.
            unsafe { Self::end_request(ti, info, BlockStatus::Ok) }
        } else {
            // SAFETY: `fail_request` wants what is guaranteed to this function.
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
            // SAFETY: `refused` wants a clone that has ended and was not freed: the caller says that it frees the
            // clone, by `release_clone_rq`, after this has returned.
            let refused = NonNull::new(clone).and_then(|clone| unsafe { refused(clone) });
            if let Some(excess) = refused {
                // SAFETY: `live` wants a target between its constructor and destructor: as in `end_request`.
                let live = unsafe { live::<T>(ti) };
                // SAFETY: `area` wants what device-mapper gives with a request: the caller says that this is it.
                let area = unsafe { area::<T>(info) };
                // SAFETY: `clone_and_map_rq` wrote the area when it made the clone, and it is read out once: here,
                // and then not by `end_request`.
                let area = unsafe { area.read() };
                return T::request_refused(live, area.io, excess).as_raw();
            }
        }
        // SAFETY: `end_request` wants what is guaranteed to this function.
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
        // SAFETY: `live` wants a target between its constructor and destructor: a table stays as long as a request
        // of its mapped device is in flight, which this one is until the return.
        let live = unsafe { live::<T>(ti) };
        // SAFETY: `area` wants what device-mapper gives with a request: the caller says that this is it.
        let area = unsafe { area::<T>(info) };
        // SAFETY: `clone_and_map_rq` wrote the area when it made the clone, and `release_clone_rq` does not get it
        // once this is called: it is read out once, here.
        let area = unsafe { area.read() };
        T::end_request(live, area.io, status).as_raw()
    }

    /// # Safety
    ///
    /// Called by device-mapper in task context with a live target of `T` and a clone that it made for it, which
    /// is given away. The target's `per_io_data_size` has room for a `BioArea<T>`.
    pub(super) unsafe extern "C" fn map(ti: *mut bindings::dm_target, raw: *mut bio) -> c_int {
        // SAFETY: `live` wants a target between its constructor and destructor: the caller says that it is live.
        let live = unsafe { live::<T>(ti) };
        // SAFETY: the caller passes a bio, which is not null.
        let raw = unsafe { NonNull::new_unchecked(raw) };
        // SAFETY: `from_map` wants a bio that is to be mapped by `live`, is given away, and has room for the area:
        // the caller guarantees each of them.
        let bio = unsafe { Bio::from_map(raw, live) };
        let mapped = T::map_bio(live, bio);
        // SAFETY: the caller says that this is task context; the value is gone when this returns.
        let task = unsafe { TaskContext::new() };
        mapped.into_code(raw, &task)
    }

    /// # Safety
    ///
    /// Called by device-mapper, in any context, with a clone that [`Self::map`] was called for with `ti`, when
    /// it ends and before anybody else uses it; `error` is valid for reading and writing.
    pub(super) unsafe extern "C" fn end_io(
        ti: *mut bindings::dm_target,
        raw: *mut bio,
        error: *mut blk_status_t,
    ) -> c_int {
        // SAFETY: the caller says that it is valid for reading.
        if unsafe { *error } == 0 {
            // SAFETY: `end_bio` wants what is guaranteed to this function.
            unsafe { Self::end_bio(ti, raw, error, BlockStatus::Ok) }
        } else {
            // SAFETY: `fail_bio` wants what is guaranteed to this function.
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
        // SAFETY: the caller says that it is valid for reading.
        let status = BlockStatus::from_raw(unsafe { *error });
        // SAFETY: `end_bio` wants what is guaranteed to this function.
        unsafe { Self::end_bio(ti, raw, error, status) }
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
        // SAFETY: `live` wants a target between its constructor and destructor: a table stays as long as a bio of
        // it is in flight, which this one is until the return.
        let live = unsafe { live::<T>(ti) };
        // SAFETY: the caller passes a bio, which is not null.
        let raw = unsafe { NonNull::new_unchecked(raw) };
        // SAFETY: `from_raw` wants a bio that went through `from_map` with `live`, as those of `map` have,
        // and whose end is being handled while the value lives: until `T::end_bio` returns.
        let mut bio = unsafe { EndedBio::from_raw(raw, live) };
        let io = bio.take_io();
        let end = T::end_bio(live, bio, io, status);
        if let Some(status) = end.status {
            // SAFETY: the caller says that it is valid for writing. It is a variable of device-mapper's, which
            // stays where the target has kept the bio.
            unsafe { *error = status.as_raw() };
        }
        end.code
    }
}
