// SPDX-License-Identifier: GPL-2.0

//! What headers define otherwise, or not at all, in a kernel without some option. `scripts/check-options` builds
//! for such a kernel.

#[cfg(CONFIG_BLK_CGROUP)]
pub(crate) use kernel::bindings::bio_associate_blkg;

/// Without control groups of block devices: nothing, as in [`include/linux/bio.h`](srctree/include/linux/bio.h).
///
/// # Safety
///
/// None.
#[cfg(not(CONFIG_BLK_CGROUP))]
#[inline]
pub(crate) unsafe fn bio_associate_blkg(_bio: *mut kernel::bindings::bio) {}

/// Without uevents of paths: nothing, as in `drivers/md/dm-uevent.h`.
///
/// # Safety
///
/// None.
#[cfg(not(CONFIG_DM_UEVENT))]
pub(crate) unsafe fn dm_path_uevent(
    _event: super::dm_uevent_type,
    _target: *mut super::dm_target,
    _path: *const kernel::ffi::c_char,
    _valid_paths: kernel::ffi::c_uint,
) {
}

#[cfg(not(CONFIG_SCSI_DH))]
pub(crate) use handlers::*;

/// Without hardware handlers. [`include/scsi/scsi_dh.h`](srctree/include/scsi/scsi_dh.h) lets a device take any
/// handler then, and do nothing with it; here no device has one, or can have one.
#[cfg(not(CONFIG_SCSI_DH))]
mod handlers {
    use crate::bindings;
    use kernel::bindings::request_queue;
    use kernel::error::code::{
        EINVAL,
        ENODEV, //
    };
    use kernel::ffi::{
        c_char,
        c_int,
        c_void, //
    };

    /// `ENODEV`: nothing is known to be a SCSI device.
    ///
    /// # Safety
    ///
    /// None.
    pub(crate) unsafe fn scsi_dh_attached_handler_name(
        _queue: *mut request_queue,
        _gfp: kernel::bindings::gfp_t,
    ) -> *const c_char {
        core::ptr::without_provenance(ENODEV.to_errno() as isize as usize)
    }

    /// `EINVAL`: there is no such handler.
    ///
    /// # Safety
    ///
    /// None.
    pub(crate) unsafe fn scsi_dh_attach(_queue: *mut request_queue, _name: *const c_char) -> c_int {
        EINVAL.to_errno()
    }

    /// `EINVAL`: there is no handler.
    ///
    /// # Safety
    ///
    /// None.
    pub(crate) unsafe fn scsi_dh_set_params(
        _queue: *mut request_queue,
        _parameters: *const c_char,
    ) -> c_int {
        EINVAL.to_errno()
    }

    /// Says at once that there is no handler.
    ///
    /// # Safety
    ///
    /// `done` may be called with `data`.
    pub(crate) unsafe fn scsi_dh_activate(
        _queue: *mut request_queue,
        done: bindings::activate_complete,
        data: *mut c_void,
    ) -> c_int {
        if let Some(done) = done {
            // CAST: a small constant.
            // SAFETY: the caller says that it may be called with these data, and this is the only call.
            unsafe { done(data, bindings::SCSI_DH_NOSYS as c_int) };
        }
        0
    }
}
