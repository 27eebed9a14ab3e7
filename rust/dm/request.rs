// SPDX-License-Identifier: GPL-2.0

//! Requests: what a request-based target maps, and the clones that go to its devices.
//!
//! C headers: [`include/linux/blk-mq.h`](srctree/include/linux/blk-mq.h),
//! [`include/linux/device-mapper.h`](srctree/include/linux/device-mapper.h)

use super::device::Device;
use super::fit::Excess;
use super::limits;
use super::live::Live;
use super::target::Target;
use crate::bindings;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ptr::NonNull;
use kernel::bindings::{
    blk_opf_t,
    request, //
};
use kernel::error::from_err_ptr;
use kernel::prelude::*;
use kernel::types::Opaque;

/// A bit of `cmd_flags` or `bi_opf`.
pub(super) const fn flag(bit: u32) -> blk_opf_t {
    1 << bit
}

/// Clones are not merged: the mapped device's own queue has done that.
const NOMERGE: blk_opf_t = flag(kernel::bindings::req_flag_bits___REQ_NOMERGE);
/// The operation in `cmd_flags`.
pub(super) const OPERATION: blk_opf_t = (1 << kernel::bindings::REQ_OP_BITS) - 1;

/// The target's data of one request, in device-mapper's own area of it.
pub(super) struct RequestArea<T: Target> {
    pub(super) live: *const Live<T>,
    pub(super) io: T::Io,
}

/// A request to be mapped.
///
/// # Invariants
///
/// It is a request of a request-based mapped device, which its target is being asked to map while a reference to
/// it lives. Nobody writes its flags and its size meanwhile.
#[repr(transparent)]
pub struct Request(Opaque<request>);

impl Request {
    /// # Safety
    ///
    /// `raw` is a request that its target is being asked to map for all of `'a`.
    #[inline]
    pub(super) unsafe fn from_raw<'a>(raw: *const request) -> &'a Self {
        // INVARIANT: the caller says so; it is device-mapper that started the request, and it waits for the
        // answer.
        // SAFETY: the caller says that it lives for `'a`; the type is transparent, and its `Opaque` allows
        // that C writes.
        unsafe { &*raw.cast() }
    }

    #[inline]
    fn flags(&self) -> blk_opf_t {
        // SAFETY: by the type's invariant the request lives and nobody writes the flags.
        unsafe { (*self.0.get()).cmd_flags }
    }

    /// Bytes that it moves. Any context.
    #[inline]
    pub fn bytes(&self) -> u32 {
        // SAFETY: by the type's invariant the request lives and nobody writes its size.
        unsafe { (*self.0.get()).__data_len }
    }

    /// What of it `device` does not take, by the limits that its queue has now, if anything: a clone of it would
    /// be refused. Looks at every piece of its memory. Any context.
    pub fn excess(&self, device: &Device) -> Option<Excess> {
        let queue = NonNull::new(device.queue())?;
        // SAFETY: the queue lives as long as the device is open, and the device is borrowed.
        let limits = unsafe { limits::of_queue(queue) };
        // SAFETY: a request that is being mapped lives and has its bios as long as `self` is borrowed, by the
        // invariant. It is device-mapper's meanwhile, which changes neither before it is mapped.
        let shape = unsafe { limits::of_request(NonNull::new(self.0.get())?) };
        limits.excess(shape)
    }

    /// Gets a request of `device`'s queue for it, without waiting. Any context.
    ///
    /// # Errors
    ///
    /// Whatever keeps the queue from giving one now: `EWOULDBLOCK` if it has none, `ENODEV` if it is
    /// going. [`Device::is_dying`] tells the ones apart that pass from those that do not.
    #[inline]
    pub fn clone_to(&self, device: &Device) -> Result<Clone<'_>> {
        let flags = self.flags() | NOMERGE | device.fail_fast();
        // SAFETY: `blk_mq_alloc_request` wants a queue that lives, which that of an open device does, and
        // that takes requests: device-mapper takes a table as request-based only if the queues of all its
        // devices do (`dm_table_determine_type`, by way of `iterate_devices`). With `NOWAIT` it does not
        // sleep.
        let raw = unsafe {
            kernel::bindings::blk_mq_alloc_request(
                device.queue(),
                flags,
                kernel::bindings::BLK_MQ_REQ_NOWAIT,
            )
        };
        if is_error(raw) {
            from_err_ptr(raw)?;
        }
        // SAFETY: no error, so it is a request that was just allocated for the caller. It is not started: who
        // finds it by its tag looks at other fields.
        unsafe {
            (*raw).bio = core::ptr::null_mut();
            (*raw).biotail = core::ptr::null_mut();
        }
        // INVARIANT: allocated above, and nobody else has it.
        Ok(Clone {
            // SAFETY: `blk_mq_alloc_request` returns a request or an error, never null.
            raw: unsafe { NonNull::new_unchecked(raw) },
            _of: PhantomData,
        })
    }
}

/// Whether C has put an error number in the place of a pointer (`IS_ERR`, here without a call).
#[inline]
fn is_error<T>(raw: *mut T) -> bool {
    // CAST: an address, as C compares it.
    raw as usize >= usize::MAX - (kernel::bindings::MAX_ERRNO as usize - 1)
}

/// A request of a device's queue, for a request that is being mapped. It is freed when it is dropped.
///
/// # Invariants
///
/// It was allocated from the queue, is not started, and is owned by this type alone.
pub struct Clone<'r> {
    raw: NonNull<request>,
    /// It answers for this request only.
    _of: PhantomData<&'r Request>,
}

impl Clone<'_> {
    #[inline]
    pub(super) fn into_raw(self) -> *mut request {
        ManuallyDrop::new(self).raw.as_ptr()
    }
}

impl Drop for Clone<'_> {
    fn drop(&mut self) {
        // SAFETY: it wants a request that the caller owns and that is not in flight: by the type's invariant
        // it is so.
        unsafe { kernel::bindings::blk_mq_free_request(self.raw.as_ptr()) };
    }
}

/// What of a clone its queue does not take, if it was refused for that: then no driver has seen it.
///
/// The limits are those by which the clone was refused, where the limits of a queue in use are changed with the
/// queue frozen (`queue_limits_commit_update_frozen`: sysfs, sd, NVMe, virtio_blk): that waits until every request
/// of the queue is freed, and the clone is not freed yet. `mpi3mr` and device-mapper do not freeze it; if they raise
/// the limits in between, the refusal counts as an error of the path.
///
/// # Safety
///
/// `clone` is one that has ended and was not freed yet.
#[cold]
pub(super) unsafe fn refused(clone: NonNull<request>) -> Option<Excess> {
    // SAFETY: plain fields of a request that lives, which is the caller's promise.
    let (state, queue) = unsafe { ((*clone.as_ptr()).state, (*clone.as_ptr()).q) };
    if state != kernel::bindings::mq_rq_state_MQ_RQ_IDLE {
        return None;
    }
    // SAFETY: `of_queue` needs a queue that lives: a request holds its queue until it is freed.
    let limits = unsafe { limits::of_queue(NonNull::new(queue)?) };
    // SAFETY: `of_request` needs a request that lives, with its bios, and that no driver has: it was not freed,
    // device-mapper takes its bios apart after its end was handled, and it was never started.
    limits.excess(unsafe { limits::of_request(clone) })
}

/// What becomes of a request.
pub enum MapRequest<'r, Io> {
    /// The clone goes to its device; `Io` is kept with it until it ends.
    Clone(Clone<'r>, Io),
    /// Device-mapper tries again when the block layer finds it fit.
    Requeue,
    /// Device-mapper tries again after a pause.
    DelayRequeue,
    /// It ends with an I/O error.
    Kill,
}

/// What becomes of a request whose clone has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EndRequest {
    /// It ends as the clone did.
    Done,
    /// It is mapped again.
    Requeue,
    /// It is mapped again after a pause.
    DelayRequeue,
}

impl EndRequest {
    #[inline]
    pub(super) const fn as_raw(self) -> c_int {
        // CAST: small constants, which C returns as int.
        match self {
            Self::Done => bindings::DM_ENDIO_DONE as c_int,
            Self::Requeue => bindings::DM_ENDIO_REQUEUE as c_int,
            Self::DelayRequeue => bindings::DM_ENDIO_DELAY_REQUEUE as c_int,
        }
    }
}
