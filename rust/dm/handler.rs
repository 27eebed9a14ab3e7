// SPDX-License-Identifier: GPL-2.0

//! Hardware handlers: what makes a storage array ready for I/O on a path (ALUA and others).
//!
//! C header: [`include/scsi/scsi_dh.h`](srctree/include/scsi/scsi_dh.h)

use super::device::Device;
use super::text::c_string;
use crate::bindings;
use core::ptr::NonNull;
use kernel::error::{
    from_err_ptr,
    to_result, //
};
use kernel::prelude::*;
use kernel::str::{
    CStr,
    CString, //
};

/// How an activation ended (`SCSI_DH_*`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Activation {
    /// The path is ready.
    Ok,
    /// The device has no handler.
    NoHandler,
    /// The array is busy with something that takes long: try another group.
    DeviceBusy,
    /// Again, after a pause.
    Retry,
    /// Again, at once.
    RetryNow,
    /// The array lacks a resource for the moment.
    Unavailable,
    /// Anything else; the path is of no use. The code is kept for the log.
    Failed(u32),
}

impl Activation {
    /// The device is offline, or its queue is gone (`SCSI_DH_DEV_OFFLINED`).
    pub const OFFLINED: Self = Self::Failed(bindings::SCSI_DH_DEV_OFFLINED);

    pub(super) fn from_raw(code: c_int) -> Self {
        match u32::try_from(code).unwrap_or(bindings::SCSI_DH_DEV_FAILED) {
            bindings::SCSI_DH_OK => Self::Ok,
            bindings::SCSI_DH_NOSYS => Self::NoHandler,
            bindings::SCSI_DH_DEV_TEMP_BUSY => Self::DeviceBusy,
            bindings::SCSI_DH_RETRY => Self::Retry,
            bindings::SCSI_DH_IMM_RETRY => Self::RetryNow,
            bindings::SCSI_DH_RES_TEMP_UNAVAIL => Self::Unavailable,
            code => Self::Failed(code),
        }
    }

    /// The C value, for the log.
    pub fn code(self) -> u32 {
        match self {
            Self::Ok => bindings::SCSI_DH_OK,
            Self::NoHandler => bindings::SCSI_DH_NOSYS,
            Self::DeviceBusy => bindings::SCSI_DH_DEV_TEMP_BUSY,
            Self::Retry => bindings::SCSI_DH_RETRY,
            Self::RetryNow => bindings::SCSI_DH_IMM_RETRY,
            Self::Unavailable => bindings::SCSI_DH_RES_TEMP_UNAVAIL,
            Self::Failed(code) => code,
        }
    }
}

/// The parameters of a hardware handler, as handlers take them: a number, and that many words, each
/// with a zero byte at its end.
///
/// # Invariants
///
/// The bytes are as said.
#[derive(Clone, Copy)]
pub struct HandlerParameters<'a>(&'a [u8]);

impl<'a> HandlerParameters<'a> {
    /// Checks bytes. [`None`] if they are not as said.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        let mut words = bytes.split(|byte| *byte == 0);
        let count = core::str::from_utf8(words.next()?).ok()?;
        // What follows the last zero byte is one more word, which is empty.
        let enough = words.clone().count() > count.parse::<usize>().ok()?;
        // INVARIANT: checked above.
        (enough && words.next_back()?.is_empty()).then_some(Self(bytes))
    }
}

impl Device {
    /// Whether it is a SCSI device: only those have hardware handlers.
    pub(super) fn is_scsi(&self) -> bool {
        !matches!(self.attached_handler(), Err(error) if error == ENODEV)
    }

    /// The name of the handler that is attached, if there is one. May sleep.
    ///
    /// # Errors
    ///
    /// - `ENODEV` if it is no SCSI device.
    /// - `ENOMEM` if there is no memory.
    pub fn attached_handler(&self) -> Result<Option<CString>> {
        let gfp = kernel::bindings::GFP_KERNEL;
        // SAFETY: it wants a queue that lives: by the type's invariant that of a `Device` does.
        let name = unsafe { bindings::scsi_dh_attached_handler_name(self.queue(), gfp) };
        let Some(name) = NonNull::new(from_err_ptr(name.cast_mut())?) else {
            return Ok(None);
        };
        // SAFETY: it wants a string that lives and does not change: one that was made for the caller, freed
        // below, after the copy.
        let copy = CString::try_from(unsafe { CStr::from_char_ptr(name.as_ptr()) });
        // SAFETY: it wants memory of `kmalloc` that is not used hereafter: `scsi_dh_attached_handler_name`
        // made it by `kstrdup` for its caller, who frees it.
        unsafe { kernel::bindings::kfree(name.as_ptr().cast()) };
        Ok(Some(copy?))
    }

    /// Attaches a handler, whose module is loaded if need be. Sleeps.
    ///
    /// # Errors
    ///
    /// - `EINVAL` if there is no such handler.
    /// - `EBUSY` if another one is attached.
    /// - Any error of the handler.
    pub fn attach_handler(&self, name: &[u8]) -> Result {
        let name = c_string(name)?;
        // SAFETY: it wants a queue that lives, which by the type's invariant that of a `Device` does, and a string.
        to_result(unsafe { bindings::scsi_dh_attach(self.queue(), name.as_char_ptr()) })
    }

    /// Gives the attached handler its parameters. Sleeps.
    ///
    /// # Errors
    ///
    /// Any error of the handler. One that takes none accepts all.
    pub fn set_handler_parameters(&self, parameters: HandlerParameters<'_>) -> Result {
        let text = parameters.0.as_ptr().cast();
        // SAFETY: it wants a queue that lives, which by the type's invariant that of a `Device` does, and a
        // number with at least as many words behind it, each with a zero byte at its end, as
        // `HandlerParameters` are by its invariant.
        to_result(unsafe { bindings::scsi_dh_set_params(self.queue(), text) })
    }
}
