// SPDX-License-Identifier: GPL-2.0

//! Hosts: from what the firmware said to a registered adapter.
//!
//! C header: [`include/scsi/scsi_host.h`](srctree/include/scsi/scsi_host.h)

use super::rescan;
use super::template::{
    LowLevelDriver,
    Template, //
};
use crate::bindings;
use core::ptr::NonNull;
use core::sync::atomic::{
    AtomicBool,
    AtomicPtr,
    Ordering, //
};
use kernel::bindings::{
    __init_rwsem,
    down_read,
    down_write,
    rw_semaphore,
    up_read,
    up_write, //
};
use kernel::device::{
    self,
    Bound, //
};
use kernel::devres;
use kernel::error::to_result;
use kernel::prelude::*;
use kernel::sync::{
    new_mutex,
    Arc,
    Mutex, //
};
use kernel::types::Opaque;

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
    /// Hardware queues. They share the tags: a tag names one command of the host.
    pub hardware_queues: u32,
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

/// What stands in a host's own memory behind the `Scsi_Host`.
#[repr(C)]
pub(super) struct HostData<T> {
    /// From an `Arc` that the [`Host`] owns; null before registration and after removal. Written with the
    /// gate closed.
    driver: AtomicPtr<T>,
    /// What a scan from user space calls of the driver; those of `T`.
    scan: Option<&'static rescan::Methods>,
    /// The removal has begun. Written with the gate closed.
    closing: AtomicBool,
    /// Error handling and scans that user space asks for enter through it: those may come when the host is
    /// gone, by a disk that was opened before or through `/proc/scsi/scsi`.
    gate: Opaque<rw_semaphore>,
}

impl<T> HostData<T> {
    /// Changes something while nobody is inside the gate. Sleeps.
    fn behind_gate(&self, change: impl FnOnce()) {
        // SAFETY: `Builder::new` initialises the gate before it lets anybody have the `HostData`.
        unsafe { down_write(self.gate.get()) };
        change();
        // SAFETY: taken for writing above, by this task.
        unsafe { up_write(self.gate.get()) };
    }
}

/// # Safety
///
/// `shost` was made by [`Builder::new`] for `T`, and the caller has a reference to it for `'a`. Whatever it was
/// made for, `T` may be `c_void`.
#[inline]
unsafe fn host_data<'a, T>(shost: *mut bindings::Scsi_Host) -> &'a HostData<T> {
    // SAFETY: `Builder::new` has put an initialised `HostData` there, which lives as long as the host, to which
    // the caller has a reference. Its layout is the same for every `T`, of which it has but a pointer.
    unsafe { &*(&raw const (*shost).hostdata).cast::<HostData<T>>() }
}

/// The driver of a host.
///
/// # Safety
///
/// As [`host_data`]; the host is registered, and not yet removed for all of `'a`.
#[inline]
pub(super) unsafe fn driver_of<'a, T: LowLevelDriver>(shost: *mut bindings::Scsi_Host) -> &'a T {
    // SAFETY: the caller promises what `host_data` asks for.
    let data = unsafe { host_data::<T>(shost) };
    // SAFETY: `Builder::register` sets it to an `Arc` that the `Host` keeps, before anybody can call; the
    // caller promises that the host is not removed for all of `'a`, and `Host` drops its `Arc` later.
    unsafe { &*data.driver.load(Ordering::Relaxed) }
}

/// A host that cannot finish its removal meanwhile.
///
/// # Invariants
///
/// The host's gate is held for reading, and its driver is there.
pub(super) struct Gate<'a, T> {
    shost: *mut bindings::Scsi_Host,
    data: &'a HostData<T>,
}

impl<'a, T> Gate<'a, T> {
    /// For error handling of `command`: `None` if its host has been removed, or if that has begun and user
    /// space has asked for a reset, which nothing keeps waiting for. The mid-layer's own error handling has a
    /// request, which the removal waits for. Sleeps.
    ///
    /// # Safety
    ///
    /// `command` has a device, whose host is as in [`host_data`].
    pub(super) unsafe fn enter(command: *mut bindings::scsi_cmnd) -> Option<Self> {
        // SAFETY: the caller promises that the command has a device, which has a reference to its host.
        let shost = unsafe { (*(*command).device).host };
        // SAFETY: the command is allocated, as the caller is in a call for it; who calls has set the field.
        let submitter = unsafe { (*command).submitter };
        let from_user = submitter == bindings::scsi_cmnd_submitter_SUBMITTED_BY_SCSI_RESET_IOCTL;
        // SAFETY: the caller guarantees that the host is as in `host_data`.
        unsafe { Self::enter_host(shost, from_user) }
    }

    /// For a scan that user space asks for: `None` if the removal of the host has begun. Sleeps.
    ///
    /// # Safety
    ///
    /// As [`host_data`].
    pub(super) unsafe fn enter_from_user(shost: *mut bindings::Scsi_Host) -> Option<Self> {
        // SAFETY: the caller guarantees that the host is as in `host_data`.
        unsafe { Self::enter_host(shost, true) }
    }

    /// # Safety
    ///
    /// As [`host_data`].
    unsafe fn enter_host(shost: *mut bindings::Scsi_Host, from_user: bool) -> Option<Self> {
        // SAFETY: the caller guarantees that the host is as in `host_data`.
        let data = unsafe { host_data::<T>(shost) };
        // SAFETY: `Builder::new` has initialised the semaphore.
        unsafe { down_read(data.gate.get()) };
        // INVARIANT: just taken; a gate without a driver is left at once, by the drop.
        let gate = Self { shost, data };
        if data.driver.load(Ordering::Relaxed).is_null()
            || from_user && data.closing.load(Ordering::Relaxed)
        {
            return None;
        }
        Some(gate)
    }

    pub(super) fn driver(&self) -> &T
    where
        T: LowLevelDriver,
    {
        // SAFETY: by the invariant the driver is there. It is taken away behind the gate only, which is open
        // for as long as `self` is.
        unsafe { &*self.data.driver.load(Ordering::Relaxed) }
    }

    /// The driver, whatever `T` is here.
    pub(super) fn driver_raw(&self) -> Option<NonNull<T>> {
        NonNull::new(self.data.driver.load(Ordering::Relaxed))
    }

    /// What a scan calls of the driver, if that has [`LowLevelDriver::rescan`].
    pub(super) fn scan_methods(&self) -> Option<&'static rescan::Methods> {
        self.data.scan
    }

    pub(super) fn device(&self) -> &device::Device<Bound> {
        // SAFETY: the gate keeps `Host::remove` from its end, which is before the device is unbound: it runs
        // from the device's `devres` at the latest.
        unsafe { bound_device(self.shost) }
    }
}

impl<T> Drop for Gate<'_, T> {
    fn drop(&mut self) {
        // SAFETY: by the invariant it is held for reading, by this task, as the gate is not `Send`.
        unsafe { up_read(self.data.gate.get()) };
    }
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
    // SAFETY: `scsi_add_host_with_dma` has set it to the device that `Builder::register` was called with. It
    // is bound: the caller promises that the host is registered, and `RemoveOnUnbind` removes it before.
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
        if limits.can_queue == 0
            || limits.sg_tablesize == 0
            || limits.max_sectors == 0
            || limits.hardware_queues == 0
        {
            return Err(EINVAL);
        }
        let can_queue = i32::try_from(limits.can_queue)?;
        let cmd_per_lun = i16::try_from(limits.cmd_per_lun)?;
        // CAST: a few words.
        let room = core::mem::size_of::<HostData<T>>() as i32;
        // SAFETY: the template is `'static`, of the driver's module, to which a host has a reference; it is
        // complete, by `Template::link`.
        let shost = unsafe { bindings::scsi_host_alloc(template.link(), room) };
        let shost = NonNull::new(shost).ok_or(ENOMEM)?;
        let host = shost.as_ptr();
        // Not by a reference: the error handler's thread runs already.
        macro_rules! set {
            ($($field:ident: $value:expr,)*) => {
                // SAFETY: allocated above, and valid. Only the error handler's thread has the host too, which
                // reads none of these before a command has failed, for which there must be a registration.
                $(unsafe { (*host).$field = $value };)*
            };
        }
        set! {
            can_queue: can_queue,
            cmd_per_lun: cmd_per_lun,
            sg_tablesize: limits.sg_tablesize,
            max_sectors: limits.max_sectors,
            max_segment_size: limits.max_segment_size,
            dma_boundary: limits.dma_boundary,
            max_cmd_len: limits.max_cdb,
            max_channel: limits.max_channel,
            max_id: limits.max_id,
            max_lun: limits.max_lun,
            nr_hw_queues: limits.hardware_queues,
            prot_capabilities: protection.0,
        }
        let shared_tags = u32::from(limits.hardware_queues > 1);
        // SAFETY: as for the other fields: allocated above, and nobody else reads or writes the word that it is in.
        unsafe { bindings::Scsi_Host::set_host_tagset_raw(host, shared_tags) };
        if T::HAS_RESCAN {
            set! {
                transportt: rescan::transport(),
            }
        }
        let data = HostData::<T> {
            driver: AtomicPtr::new(core::ptr::null_mut()),
            scan: rescan::Methods::of::<T>(),
            closing: AtomicBool::new(false),
            gate: Opaque::uninit(),
        };
        // SAFETY: `scsi_host_alloc` was asked for `room` bytes there, aligned to `unsigned long`, as all of
        // `HostData` is; nobody else uses them. The reference lasts as long as this function, in which the
        // host is not released.
        let data = unsafe {
            let at = (&raw mut (*host).hostdata).cast::<HostData<T>>();
            at.write(data);
            &*at
        };
        // SAFETY: room for a lock, at an address that does not change, and nobody uses it yet; name and key
        // are static.
        unsafe {
            __init_rwsem(
                data.gate.get(),
                c"storage_scsi::host::gate".as_char_ptr(),
                kernel::static_lock_class!().as_ptr(),
            )
        };
        // INVARIANT: just allocated.
        Ok(Self {
            shost,
            _driver: core::marker::PhantomData,
        })
    }

    /// The number that the host will have. Any context.
    pub fn number(&self) -> u32 {
        // SAFETY: by the invariant the host is valid; its number does not change after `scsi_host_alloc`.
        unsafe { (*self.shost.as_ptr()).host_no }
    }

    /// Registers the host with its adapter; from now on commands can come. It is removed when `dev` is
    /// unbound at the latest. May sleep.
    ///
    /// # Errors
    ///
    /// - `EBUSY` if the adapter's in-flight table is that of another host.
    /// - `ENOMEM` if there is no memory for the tag set.
    /// - Any other error of `scsi_add_host`.
    pub fn register(self, dev: &device::Device<Bound>, adapter: Arc<T>) -> Result<Arc<Host<T>>> {
        adapter.in_flight().adopt()?;
        let shost = self.shost;
        let driver = Arc::as_ptr(&adapter).cast_mut();
        let host = Arc::pin_init(
            pin_init!(Host {
                shost,
                adapter,
                registered <- new_mutex!(false),
            }),
            GFP_KERNEL,
        )?;
        // SAFETY: `new` has made the host for `T`, and the reference to it is ours, by the invariant.
        let data = unsafe { host_data::<T>(shost.as_ptr()) };
        data.driver.store(driver, Ordering::Relaxed);
        // The `Host` has the reference now.
        core::mem::forget(self);
        let raw_dev = core::ptr::from_ref(dev).cast_mut().cast();
        // SAFETY: the host is allocated and not registered, by the invariant of `self`, and complete since
        // `new`; the device is valid and bound for as long as the reference `dev`.
        to_result(unsafe { bindings::scsi_add_host_with_dma(shost.as_ptr(), raw_dev, raw_dev) })?;
        *host.registered.lock() = true;
        // On failure here the guard is dropped at once, which removes the host.
        devres::register(dev, RemoveOnUnbind(host.clone()), GFP_KERNEL)?;
        Ok(host)
    }
}

impl<T: LowLevelDriver> Drop for Builder<T> {
    fn drop(&mut self) {
        // SAFETY: by the invariant the reference is ours; nothing uses it after this.
        unsafe { bindings::scsi_host_put(self.shost.as_ptr()) };
    }
}

/// A host that is, or was, registered.
///
/// It has no setter for anything that sizes the tag set.
///
/// # Invariants
///
/// `shost` is a reference that this type owns; its `hostdata` points to `adapter` while it is registered.
#[pin_data(PinnedDrop)]
pub struct Host<T: LowLevelDriver> {
    shost: NonNull<bindings::Scsi_Host>,
    adapter: Arc<T>,
    /// Held all through the removal, so that no second caller returns before it is done.
    #[pin]
    registered: Mutex<bool>,
}

// SAFETY: a host is reference-counted, has no ties to a thread, and the C functions that are called lock for
// themselves. `Arc<T>` can be sent: a `LowLevelDriver` is `Send` and `Sync`.
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
        // SAFETY: by the invariant the host is valid; its number does not change after `scsi_host_alloc`.
        unsafe { (*self.shost.as_ptr()).host_no }
    }

    /// Scans all channels, ids and LUNs, in the background where the system is configured so. May sleep.
    pub fn scan(&self) {
        // SAFETY: by the invariant the host is valid, and was registered: only `Builder::register` returns one.
        // A host that is removed meanwhile refuses the scan, by its state.
        unsafe { bindings::scsi_scan_host(self.shost.as_ptr()) };
    }

    /// Removes the host: its logical units are flushed and gone on return, and no command comes any more.
    /// A command that is still in flight is waited for; one that is not answered times out, and error handling
    /// ends it, in its last step at the latest. A second call does nothing. Sleeps.
    pub fn remove(&self) {
        let mut registered = self.registered.lock();
        if !*registered {
            return;
        }
        // SAFETY: `Builder::new` has made the host for `T`, and by the invariant the reference is ours.
        let data = unsafe { host_data::<T>(self.shost.as_ptr()) };
        // The removal frees the tag set without waiting for resets that user space has asked for.
        data.behind_gate(|| data.closing.store(true, Ordering::Relaxed));
        // SAFETY: `registered` is true once `scsi_add_host_with_dma` has succeeded, and is set to false under
        // the lock that is held, so that the host is removed once.
        unsafe { bindings::scsi_remove_host(self.shost.as_ptr()) };
        data.behind_gate(|| data.driver.store(core::ptr::null_mut(), Ordering::Relaxed));
        *registered = false;
    }
}

#[pinned_drop]
impl<T: LowLevelDriver> PinnedDrop for Host<T> {
    /// Sleeps if the host is still registered.
    fn drop(self: Pin<&mut Self>) {
        self.remove();
        // SAFETY: by the invariant the reference is ours; this is the last use of it.
        unsafe { bindings::scsi_host_put(self.shost.as_ptr()) };
    }
}

struct RemoveOnUnbind<T: LowLevelDriver>(Arc<Host<T>>);

impl<T: LowLevelDriver> Drop for RemoveOnUnbind<T> {
    fn drop(&mut self) {
        self.0.remove();
    }
}
