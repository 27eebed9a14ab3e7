// SPDX-License-Identifier: GPL-2.0

//! Logical units, as the mid-layer presents them to a low-level driver.
//!
//! C header: [`include/scsi/scsi_device.h`](srctree/include/scsi/scsi_device.h)

use super::address::Address;
use crate::bindings;
use kernel::time::{
    msecs_to_jiffies,
    Delta, //
};
use kernel::types::Opaque;

/// A logical unit.
///
/// # Invariants
///
/// The wrapped `struct scsi_device` is valid for the lifetime of the reference.
#[repr(transparent)]
pub struct Device(Opaque<bindings::scsi_device>);

impl Device {
    /// # Safety
    ///
    /// `ptr` points to a `struct scsi_device` that stays valid for `'a`.
    pub(super) unsafe fn from_raw<'a>(ptr: *mut bindings::scsi_device) -> &'a Self {
        // SAFETY: the caller promises that `ptr` is valid for `'a`; `Device` is a transparent wrapper of
        // `Opaque`, which allows C to change what is behind the reference.
        unsafe { &*ptr.cast() }
    }

    fn as_raw(&self) -> *mut bindings::scsi_device {
        self.0.get()
    }

    /// Where the unit is. Any context.
    #[inline]
    pub fn address(&self) -> Address {
        let raw = self.as_raw();
        // SAFETY: valid by the invariant; the fields are constant after allocation.
        let (channel, id, lun) = unsafe { ((*raw).channel, (*raw).id, (*raw).lun) };
        Address { channel, id, lun }
    }

    /// Sets the queue depth, in commands; returns what it became. Any context.
    pub fn set_queue_depth(&self, depth: u32) -> u32 {
        let depth = i32::try_from(depth).unwrap_or(i32::MAX);
        // SAFETY: the device is valid, by the invariant; the function locks for itself.
        let depth = unsafe { bindings::scsi_change_queue_depth(self.as_raw(), depth) };
        u32::try_from(depth).unwrap_or(0)
    }

    /// Cuts the queue depth to `depth` commands at most, after trouble. The mid-layer raises it again, by
    /// one in each `queue_ramp_up_period` of good commands. Any context.
    pub fn throttle(&self, depth: u32) {
        let raw = self.as_raw();
        // SAFETY: the kernel's own variable, aligned, which it writes at any time: so the read is volatile.
        let now = unsafe { core::ptr::read_volatile(&raw const kernel::bindings::jiffies) };
        // SAFETY: valid by the invariant; the mid-layer writes it without a lock as well.
        unsafe { (&raw mut (*raw).last_queue_full_time).write_volatile(now) };
        // SAFETY: as above.
        let current = unsafe { (&raw const (*raw).queue_depth).read_volatile() };
        if depth < u32::from(current) {
            self.set_queue_depth(depth.max(1));
        }
    }

    /// Sets the time after which a command of this unit counts as timed out. May sleep.
    pub fn set_command_timeout(&self, timeout: Delta) {
        let millis = u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX);
        // CAST: a timeout in jiffies fits an int; the block layer takes one.
        let jiffies = msecs_to_jiffies(millis) as u32;
        // SAFETY: valid by the invariant; a scsi_device has its queue from allocation to release.
        unsafe { kernel::bindings::blk_queue_rq_timeout((*self.as_raw()).request_queue, jiffies) };
    }
}
