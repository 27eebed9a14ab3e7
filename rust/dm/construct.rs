// SPDX-License-Identifier: GPL-2.0

//! What the constructor of a target has in its hands.

use super::device::{
    Device,
    DeviceIndex,
    Devices, //
};
use crate::bindings;
use core::ptr::NonNull;
use core::sync::atomic::{
    AtomicU8,
    AtomicUsize,
    Ordering, //
};
use kernel::alloc::AllocError;
use kernel::fmt;
use kernel::prelude::*;
use kernel::str::CStr;

/// Why a table is refused: the errno that `dmsetup` shows, and the line that device-mapper logs.
#[derive(Clone, Copy)]
pub struct Refusal {
    error: Error,
    line: Line,
}

impl Refusal {
    /// A refusal with a line, which is cut after [`Line::LENGTH`] bytes. It should name the word that is
    /// wrong.
    pub fn new(error: Error, line: fmt::Arguments<'_>) -> Self {
        let mut this = Self::from(error);
        // A line that is too long is cut, which is no error.
        let _ = fmt::Write::write_fmt(&mut this.line, line);
        this
    }

    pub(super) fn into_parts(self) -> (Error, Line) {
        (self.error, self.line)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self {
            error,
            line: Line {
                text: [0; Line::LENGTH],
                len: 0,
            },
        }
    }
}

impl From<AllocError> for Refusal {
    fn from(error: AllocError) -> Self {
        Error::from(error).into()
    }
}

/// A short line of text.
///
/// # Invariants
///
/// `len` is at most [`Line::LENGTH`].
#[derive(Clone, Copy)]
pub(super) struct Line {
    text: [u8; Self::LENGTH],
    len: u8,
}

impl Line {
    /// Bytes of the longest line.
    pub(super) const LENGTH: usize = 100;

    fn as_bytes(&self) -> &[u8] {
        self.text.get(..usize::from(self.len)).unwrap_or(&[])
    }
}

impl fmt::Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let at = usize::from(self.len);
        let take = text.len().min(Self::LENGTH.saturating_sub(at));
        let end = at.saturating_add(take);
        if let (Some(into), Some(from)) = (self.text.get_mut(at..end), text.as_bytes().get(..take))
        {
            into.copy_from_slice(from);
            // INVARIANT: `end` is at most `LENGTH`, which fits.
            self.len = end as u8;
        }
        Ok(())
    }
}

/// The lines of the last refusals. Device-mapper logs a line after the constructor has returned, so it
/// has to outlive that; each stays until [`RefusalLines::KEPT`] more tables have been refused.
pub(super) struct RefusalLines {
    lines: [[AtomicU8; Line::LENGTH + 1]; Self::KEPT],
    next: AtomicUsize,
}

impl RefusalLines {
    const KEPT: usize = 16;

    pub(super) const fn new() -> Self {
        Self {
            lines: [const { [const { AtomicU8::new(0) }; Line::LENGTH + 1] }; Self::KEPT],
            next: AtomicUsize::new(0),
        }
    }

    /// Keeps a line, as a string for C; null if it is empty.
    pub(super) fn keep(&self, line: &Line) -> *mut c_char {
        let text = line.as_bytes();
        let index = self.next.fetch_add(1, Ordering::Relaxed) % Self::KEPT;
        let Some(slot) = self.lines.get(index).filter(|_| !text.is_empty()) else {
            return core::ptr::null_mut();
        };
        // The last byte is never anything but zero, so this is a string at any moment, whoever writes meanwhile.
        for (index, byte) in slot.iter().enumerate() {
            byte.store(text.get(index).copied().unwrap_or(0), Ordering::Relaxed);
        }
        slot.as_ptr().cast_mut().cast()
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

/// Which of these the target gets, as one bio each.
#[derive(Clone, Copy, Debug, Default)]
pub struct SpecialBios {
    /// Flushes. Without them a flush of the mapped device is done without a word to its devices.
    pub flush: bool,
    /// Discards.
    pub discard: bool,
    /// Write-zeroes.
    pub write_zeroes: bool,
}

/// A target under construction. The devices that it opens are put again if it is not completed.
///
/// # Invariants
///
/// `ti` is a target whose constructor runs: it, its table and the mapped device live, and no other thread uses it.
pub struct Constructor {
    ti: NonNull<bindings::dm_target>,
    devices: Devices,
    mode: QueueMode,
}

impl Constructor {
    /// # Safety
    ///
    /// `ti` is a target whose constructor runs for as long as what is returned lives; it lives, with its table, as
    /// long as the [`Devices`] that [`Self::finish`] gives.
    pub(super) unsafe fn new(ti: NonNull<bindings::dm_target>) -> Self {
        // INVARIANT: the caller says so; device-mapper calls a constructor before anybody else knows the target.
        Self {
            ti,
            // SAFETY: it wants a target under construction that lives as long as the devices: the caller says so.
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
    pub fn open(&mut self, word: &[u8]) -> Result<DeviceIndex> {
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
        // SAFETY: it wants a table with its mapped device: by the type's invariant both live.
        let name = unsafe { bindings::dm_table_device_name((*self.ti.as_ptr()).table) };
        // SAFETY: it is a string that does not change and lives as long as the mapped device, and so longer
        // than this.
        unsafe { CStr::from_char_ptr(name) }
    }

    /// Says how I/O comes; bio by bio if it is not called. The last call counts.
    pub fn set_queue_mode(&mut self, mode: QueueMode) {
        self.mode = mode;
        let kind = match mode {
            QueueMode::Bio => bindings::dm_queue_mode_DM_TYPE_BIO_BASED,
            QueueMode::Request => bindings::dm_queue_mode_DM_TYPE_REQUEST_BASED,
        };
        // SAFETY: it wants a table that lives and is not complete yet: by the type's invariant a constructor
        // runs for it.
        unsafe { bindings::dm_table_set_type((*self.ti.as_ptr()).table, kind) };
    }

    /// Says which of flush, discard and write-zeroes the target gets; none if it is not called.
    pub fn set_special_bios(&mut self, bios: SpecialBios) {
        // SAFETY: by the type's invariant the target lives and no other thread uses it; nobody else in this
        // one holds a reference, as all of the library's are gone when the method that made them returns.
        let ti = unsafe { &mut *self.ti.as_ptr() };
        ti.num_flush_bios = bios.flush.into();
        ti.num_discard_bios = bios.discard.into();
        ti.num_write_zeroes_bios = bios.write_zeroes.into();
    }

    pub(super) fn finish(self) -> (Devices, QueueMode) {
        (self.devices, self.mode)
    }
}
