// SPDX-License-Identifier: GPL-2.0

//! Hosts: from what the firmware said to a registered adapter.
//!
//! C header: [`include/scsi/scsi_host.h`](srctree/include/scsi/scsi_host.h)

use super::template::{
    LowLevelDriver,
    Template, //
};
use crate::bindings;
use core::ptr::NonNull;
use core::sync::atomic::{
    AtomicBool,
    Ordering, //
};
use kernel::device::{
    self,
    Bound, //
};
use kernel::devres;
use kernel::error::to_result;
use kernel::prelude::*;
use kernel::sync::Arc;

/// What sizes the host's tag set and the requests that it gets.
///
/// There is no default: each number comes from the firmware or is a decision of the driver.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Commands in flight at most, the size of the tag set.
    pub can_queue: u32,
    /// Commands in flight for one logical unit at first.
    pub cmd_per_lun: u16,
    /// Segments of a command's data at most.
    pub sg_tablesize: u16,
    /// 512-byte sectors of a command's data at most.
    pub max_sectors: u32,
    /// Bytes of one segment at most.
    pub max_segment_size: u32,
    /// A mask: no segment crosses an address where its bits are all zero.
    pub dma_boundary: usize,
    /// Bytes of a CDB at most.
    pub max_cdb: u16,
    /// The highest channel.
    pub max_channel: u32,
    /// Target ids on each channel: ids are below this.
    pub max_id: u32,
    /// LUNs of each target: LUNs are below this.
    pub max_lun: u64,
}

/// The protection that the adapter can give (T10 DIF and DIX), known before the host is registered.
///
/// C header: `enum scsi_host_prot_capabilities` in
/// [`include/scsi/scsi_host.h`](srctree/include/scsi/scsi_host.h)
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProtectionCaps(u32);

impl ProtectionCaps {
    /// The adapter gives none.
    pub const fn none() -> Self {
        Self(0)
    }
}

/// All that must be known of an adapter before its host is made.
#[derive(Clone, Copy, Debug)]
pub struct Discovery {
    /// The limits.
    pub limits: Limits,
    /// The protection capabilities.
    pub protection: ProtectionCaps,
}

/// The driver of a host.
///
/// # Safety
///
/// `shost` was made by [`Builder::new`] for `T` and has been given its driver, and is not yet removed for
/// all of `'a`.
#[inline]
pub(super) unsafe fn driver_of<'a, T: LowLevelDriver>(shost: *mut bindings::Scsi_Host) -> &'a T {
    // SAFETY: `hostdata` holds the pointer of an `Arc<T>` that the `Host` owns.
    unsafe { &**(&raw const (*shost).hostdata).cast::<*const T>() }
}

/// The device that a host is on.
///
/// # Safety
///
/// As [`driver_of`]: a host is removed before its device is unbound.
#[inline]
pub(super) unsafe fn bound_device<'a>(
    shost: *mut bindings::Scsi_Host,
) -> &'a device::Device<Bound> {
    // SAFETY: the parent was set by `scsi_add_host`, and is bound while the host is registered.
    unsafe { device::Device::from_raw((*shost).dma_dev) }
}

/// A host that is not registered yet.
///
/// # Invariants
///
/// `shost` is owned: allocated with room for a pointer, and never registered.
pub struct Builder<T: LowLevelDriver> {
    shost: NonNull<bindings::Scsi_Host>,
    _driver: core::marker::PhantomData<fn() -> T>,
}

impl<T: LowLevelDriver> Builder<T> {
    /// Allocates a host as the discovery demands. May sleep.
    ///
    /// # Errors
    ///
    /// - `ENOMEM` if there is no memory.
    /// - `EINVAL` if a limit is zero or too large for the mid-layer.
    pub fn new(template: &'static Template<T>, discovery: Discovery) -> Result<Self> {
        let Discovery { limits, protection } = discovery;
        if limits.can_queue == 0 || limits.sg_tablesize == 0 || limits.max_sectors == 0 {
            return Err(EINVAL);
        }
        let can_queue = i32::try_from(limits.can_queue)?;
        let cmd_per_lun = i16::try_from(limits.cmd_per_lun)?;
        let room = core::mem::size_of::<*const T>() as i32;
        // SAFETY: the template lives as long as the driver's module.
        let shost = unsafe { bindings::scsi_host_alloc(template.link(), room) };
        let shost = NonNull::new(shost).ok_or(ENOMEM)?;
        // SAFETY: allocated above, and nobody else knows it yet.
        let host = unsafe { &mut *shost.as_ptr() };
        host.can_queue = can_queue;
        host.cmd_per_lun = cmd_per_lun;
        host.sg_tablesize = limits.sg_tablesize;
        host.max_sectors = limits.max_sectors;
        host.max_segment_size = limits.max_segment_size;
        host.dma_boundary = limits.dma_boundary;
        host.max_cmd_len = limits.max_cdb;
        host.max_channel = limits.max_channel;
        host.max_id = limits.max_id;
        host.max_lun = limits.max_lun;
        host.nr_hw_queues = 1;
        host.prot_capabilities = protection.0;
        // INVARIANT: just allocated.
        Ok(Self {
            shost,
            _driver: core::marker::PhantomData,
        })
    }

    /// The number that the host will have. Any context.
    pub fn number(&self) -> u32 {
        // SAFETY: by the invariant.
        unsafe { (*self.shost.as_ptr()).host_no }
    }

    /// Registers the host with its adapter; from now on commands can come. It is removed when `dev` is
    /// unbound at the latest. May sleep.
    ///
    /// # Errors
    ///
    /// - `ENOMEM` if there is no memory for the tag set.
    /// - Any other error of `scsi_add_host`.
    pub fn register(self, dev: &device::Device<Bound>, adapter: Arc<T>) -> Result<Arc<Host<T>>> {
        let shost = self.shost;
        let data = Arc::as_ptr(&adapter);
        // SAFETY: `hostdata` has room for the pointer, and the host is not registered yet.
        unsafe {
            (&raw mut (*shost.as_ptr()).hostdata)
                .cast::<*const T>()
                .write(data)
        };
        let host = Arc::new(
            Host {
                shost,
                adapter,
                registered: AtomicBool::new(false),
            },
            GFP_KERNEL,
        )?;
        // The `Host` has the reference now.
        core::mem::forget(self);
        let raw_dev = core::ptr::from_ref(dev).cast_mut().cast();
        // SAFETY: the host is ours, complete, and not registered; the device is bound.
        to_result(unsafe { bindings::scsi_add_host_with_dma(shost.as_ptr(), raw_dev, raw_dev) })?;
        host.registered.store(true, Ordering::Release);
        // On failure here the guard is dropped at once, which removes the host.
        devres::register(dev, RemoveOnUnbind(host.clone()), GFP_KERNEL)?;
        Ok(host)
    }
}

impl<T: LowLevelDriver> Drop for Builder<T> {
    fn drop(&mut self) {
        // SAFETY: by the invariant; this is the only reference.
        unsafe { bindings::scsi_host_put(self.shost.as_ptr()) };
    }
}

/// A host that is, or was, registered.
///
/// It has no setter for anything that sizes the tag set.
///
/// # Invariants
///
/// `shost` is a reference that this type owns; its `hostdata` points to `adapter`.
pub struct Host<T: LowLevelDriver> {
    shost: NonNull<bindings::Scsi_Host>,
    adapter: Arc<T>,
    registered: AtomicBool,
}

// SAFETY: the C functions that are called lock for themselves; `T` is `Send` and `Sync`.
unsafe impl<T: LowLevelDriver> Send for Host<T> {}
// SAFETY: as above.
unsafe impl<T: LowLevelDriver> Sync for Host<T> {}

impl<T: LowLevelDriver> Host<T> {
    /// The adapter. Any context.
    pub fn adapter(&self) -> &Arc<T> {
        &self.adapter
    }

    /// The host's number. Any context.
    pub fn number(&self) -> u32 {
        // SAFETY: by the invariant.
        unsafe { (*self.shost.as_ptr()).host_no }
    }

    /// Scans all channels, ids and LUNs, in the background where the system is configured so. May sleep.
    pub fn scan(&self) {
        // SAFETY: by the invariant; a removed host refuses the scan.
        unsafe { bindings::scsi_scan_host(self.shost.as_ptr()) };
    }

    /// Removes the host: its logical units are flushed and gone on return, and no command comes any more.
    /// Every command still in flight must get its answer meanwhile. A second call does nothing. Sleeps.
    pub fn remove(&self) {
        if self.registered.swap(false, Ordering::AcqRel) {
            // SAFETY: registered, and removed here only, once.
            unsafe { bindings::scsi_remove_host(self.shost.as_ptr()) };
        }
    }
}

impl<T: LowLevelDriver> Drop for Host<T> {
    /// Sleeps if the host is still registered.
    fn drop(&mut self) {
        self.remove();
        // SAFETY: by the invariant this reference is ours.
        unsafe { bindings::scsi_host_put(self.shost.as_ptr()) };
    }
}

struct RemoveOnUnbind<T: LowLevelDriver>(Arc<Host<T>>);

impl<T: LowLevelDriver> Drop for RemoveOnUnbind<T> {
    fn drop(&mut self) {
        self.0.remove();
    }
}
