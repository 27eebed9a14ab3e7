// SPDX-License-Identifier: GPL-2.0

//! What the constructor of a target has in its hands.

use super::device::{
    Device,
    DeviceIndex,
    Devices, //
};
use crate::bindings;
use core::ptr::NonNull;
use kernel::alloc::AllocError;
use kernel::prelude::*;
use kernel::str::CStr;

/// Why a table is refused: the errno that `dmsetup` shows and the line that device-mapper logs.
#[derive(Clone, Copy, Debug)]
pub struct Refusal {
    /// The errno.
    pub error: Error,
    /// The line; without one, device-mapper says "Unknown error".
    pub message: Option<&'static CStr>,
}

impl Refusal {
    /// A refusal with a line.
    pub const fn new(error: Error, message: &'static CStr) -> Self {
        Self {
            error,
            message: Some(message),
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self {
            error,
            message: None,
        }
    }
}

impl From<AllocError> for Refusal {
    fn from(error: AllocError) -> Self {
        Error::from(error).into()
    }
}

/// How a target takes its I/O.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum QueueMode {
    /// Bio by bio: [`Target::map_bio`](super::Target::map_bio).
    Bio,
    /// Request by request, on a queue of its own: [`Target::map_request`](super::Target::map_request).
    Request,
}

/// How many bios a flush, discard or write-zeroes becomes; zero where the target does not want them.
#[derive(Clone, Copy, Debug, Default)]
pub struct SpecialBios {
    /// For a flush.
    pub flush: u32,
    /// For a discard.
    pub discard: u32,
    /// For a write-zeroes.
    pub write_zeroes: u32,
}

/// A target under construction. The devices that it opens are put again if it is not completed.
///
/// # Invariants
///
/// `ti` is a target whose constructor runs.
pub struct Constructor {
    ti: NonNull<bindings::dm_target>,
    devices: Devices,
    mode: QueueMode,
}

impl Constructor {
    /// # Safety
    ///
    /// `ti` is a target whose constructor runs, and lives longer than what is returned.
    pub(super) unsafe fn new(ti: NonNull<bindings::dm_target>) -> Self {
        // INVARIANT: by this function's contract.
        Self {
            ti,
            // SAFETY: by this function's contract.
            devices: unsafe { Devices::new(ti) },
            mode: QueueMode::Bio,
        }
    }

    /// Opens the device that a word names. Sleeps.
    ///
    /// # Errors
    ///
    /// - `EINVAL` if it is the mapped device itself.
    /// - Any error of [`DeviceNumber::from_word`](super::DeviceNumber::from_word) or of opening it.
    pub fn open(&mut self, word: &CStr) -> Result<DeviceIndex> {
        self.devices.open(word)
    }

    /// A device that was opened.
    pub fn device(&self, index: DeviceIndex) -> Option<&Device> {
        self.devices.as_slice().get(index.get())
    }

    /// All devices that were opened, in that order.
    pub fn devices(&self) -> &[Device] {
        self.devices.as_slice()
    }

    /// The mapped device, `major:minor`, for the log.
    pub fn name(&self) -> &CStr {
        // SAFETY: by the invariant.
        let name = unsafe { bindings::dm_table_device_name((*self.ti.as_ptr()).table) };
        // SAFETY: the name is a string that lives as long as the mapped device.
        unsafe { CStr::from_char_ptr(name) }
    }

    /// Says how I/O comes; bio by bio if it is not called.
    pub fn set_queue_mode(&mut self, mode: QueueMode) {
        self.mode = mode;
        let kind = match mode {
            QueueMode::Bio => bindings::dm_queue_mode_DM_TYPE_BIO_BASED,
            QueueMode::Request => bindings::dm_queue_mode_DM_TYPE_REQUEST_BASED,
        };
        // SAFETY: by the invariant; this may be called by a constructor only, which this is.
        unsafe { bindings::dm_table_set_type((*self.ti.as_ptr()).table, kind) };
    }

    /// Says how many flush, discard and write-zeroes bios the target gets; none if it is not called.
    pub fn set_special_bios(&mut self, bios: SpecialBios) {
        // SAFETY: by the invariant.
        let ti = unsafe { &mut *self.ti.as_ptr() };
        ti.num_flush_bios = bios.flush;
        ti.num_discard_bios = bios.discard;
        ti.num_write_zeroes_bios = bios.write_zeroes;
    }

    pub(super) fn finish(self) -> (Devices, QueueMode) {
        (self.devices, self.mode)
    }
}
