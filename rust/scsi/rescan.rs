// SPDX-License-Identifier: GPL-2.0

//! Scans that user space asks for: `echo "- - -" > /sys/class/scsi_host/hostN/scan`, and
//! `scsi add-single-device` in `/proc/scsi/scsi`.
//!
//! The driver of a host with a list of its targets reads the list again
//! ([`LowLevelDriver::rescan`]); then the logical units that are no longer in it are removed, and the
//! targets in it are scanned.
//!
//! C headers: [`include/scsi/scsi_transport.h`](srctree/include/scsi/scsi_transport.h) (`user_scan`),
//! [`include/scsi/scsi_device.h`](srctree/include/scsi/scsi_device.h)

use super::address::Address;
use super::device::Device;
use super::host::Gate;
use super::scan_range::{
    Bounds,
    ScanRange, //
};
use super::template::LowLevelDriver;
use crate::bindings;
use core::cell::UnsafeCell;
use core::ptr::NonNull;
use kernel::device::{
    self,
    Bound, //
};
use kernel::error::from_result;
use kernel::prelude::*;

/// What a scan calls of a driver whose type it does not know.
pub(super) struct Methods {
    rescan: unsafe fn(NonNull<c_void>, &device::Device<Bound>) -> Result,
    is_present: unsafe fn(NonNull<c_void>, Address) -> bool,
}

impl Methods {
    /// Those of a driver that has [`LowLevelDriver::rescan`].
    pub(super) const fn of<T: LowLevelDriver>() -> Option<&'static Self> {
        if T::HAS_RESCAN {
            Some(MethodsOf::<T>::METHODS)
        } else {
            None
        }
    }
}

struct MethodsOf<T>(core::marker::PhantomData<fn() -> T>);

impl<T: LowLevelDriver> MethodsOf<T> {
    const METHODS: &'static Methods = &Methods {
        rescan: Self::rescan,
        is_present: Self::is_present,
    };

    /// # Safety
    ///
    /// `driver` is a valid `T`.
    unsafe fn rescan(driver: NonNull<c_void>, dev: &device::Device<Bound>) -> Result {
        // SAFETY: the caller passes a valid `T`; it is shared, and `T` is `Sync`.
        unsafe { driver.cast::<T>().as_ref() }.rescan(dev)
    }

    /// # Safety
    ///
    /// `driver` is a valid `T`.
    unsafe fn is_present(driver: NonNull<c_void>, address: Address) -> bool {
        // SAFETY: the caller passes a valid `T`; it is shared, and `T` is `Sync`.
        unsafe { driver.cast::<T>().as_ref() }.is_present(address)
    }
}

/// The transport of all hosts whose driver has [`LowLevelDriver::rescan`]. It stands in this module rather
/// than in the driver's: a writer to `/proc/scsi/scsi` holds a reference to the host, but to no module.
struct Transport(UnsafeCell<bindings::scsi_transport_template>);

// SAFETY: nobody writes to it: the mid-layer only reads a host's transport, and this module has no writer.
unsafe impl Sync for Transport {}

static TRANSPORT: Transport = Transport(UnsafeCell::new({
    let mut transport: bindings::scsi_transport_template = pin_init::zeroed();
    transport.user_scan = Some(user_scan);
    transport
}));

/// For `transportt` of a host that [`Builder::new`] made.
///
/// [`Builder::new`]: super::Builder::new
pub(super) fn transport() -> *mut bindings::scsi_transport_template {
    TRANSPORT.0.get()
}

/// # Safety
///
/// Called by the mid-layer, which holds a reference to the host, for a host that has [`transport`], so one
/// that [`Builder::new`](super::Builder::new) made. May sleep.
unsafe extern "C" fn user_scan(
    shost: *mut bindings::Scsi_Host,
    channel: c_uint,
    id: c_uint,
    lun: u64,
) -> c_int {
    from_result(|| {
        // SAFETY: the caller holds a reference to the host for the whole call, and only hosts of
        // `Builder::new` have this function.
        let scan = unsafe { Scan::new(shost, channel, id, lun) }?;
        scan.ask()?;
        scan.remove_absent()?;
        scan.add_present()?;
        Ok(0)
    })
}

/// One scan.
///
/// The host's gate is held while the driver is called, but not while the mid-layer is: a command of the
/// scan may need error handling, which enters the gate, and a removal that waits for the gate would keep it
/// out. The mid-layer's own functions know a host that is being removed by themselves.
///
/// # Invariants
///
/// `shost` was made by [`Builder::new`](super::Builder::new), and is referenced while this exists.
struct Scan {
    shost: NonNull<bindings::Scsi_Host>,
    range: ScanRange,
}

impl Scan {
    /// # Errors
    ///
    /// `EINVAL` if a number is beyond what the host has.
    ///
    /// # Safety
    ///
    /// `shost` was made by [`Builder::new`](super::Builder::new), and the caller holds a reference to it
    /// while the value exists.
    unsafe fn new(
        shost: *mut bindings::Scsi_Host,
        channel: u32,
        id: u32,
        lun: u64,
    ) -> Result<Self> {
        let shost = NonNull::new(shost).ok_or(EINVAL)?;
        let host = shost.as_ptr();
        // SAFETY: the caller holds a reference, and nobody writes to these once the host is registered.
        let (max_channel, max_id, max_lun) =
            unsafe { ((*host).max_channel, (*host).max_id, (*host).max_lun) };
        let bounds = Bounds {
            max_channel,
            max_id,
            max_lun,
        };
        // INVARIANT: as the caller guarantees.
        Ok(Self {
            shost,
            range: ScanRange::new(bounds, channel, id, lun).ok_or(EINVAL)?,
        })
    }

    /// Calls the driver, which is there meanwhile.
    ///
    /// # Errors
    ///
    /// `ENODEV` if the host is being removed, or has been.
    fn with_driver<R>(
        &self,
        call: impl FnOnce(&Methods, NonNull<c_void>, &device::Device<Bound>) -> R,
    ) -> Result<R> {
        // SAFETY: by the invariant the host was made by `Builder::new`, and is referenced.
        let gate = unsafe { Gate::<c_void>::enter_from_user(self.shost.as_ptr()) }.ok_or(ENODEV)?;
        let methods = gate.scan_methods().ok_or(ENODEV)?;
        let driver = gate.driver_raw().ok_or(ENODEV)?;
        Ok(call(methods, driver, gate.device()))
    }

    fn is_present(&self, address: Address) -> Result<bool> {
        self.with_driver(|methods, driver, _| {
            // SAFETY: `with_driver` passes the driver of the host beside its methods, which `Builder::new` has
            // taken from the driver's type; the gate, which is held, keeps it.
            unsafe { (methods.is_present)(driver, address) }
        })
    }

    /// Has the driver read the list of its targets.
    ///
    /// # Errors
    ///
    /// - `ENODEV` if the host is being removed, or has been.
    /// - Those of [`LowLevelDriver::rescan`].
    fn ask(&self) -> Result {
        self.with_driver(|methods, driver, dev| {
            // SAFETY: as in `is_present`: the methods are those of the driver's type, and the gate keeps it.
            unsafe { (methods.rescan)(driver, dev) }
        })?
    }

    /// Removes the logical units that are meant and no longer in the list. Sleeps.
    fn remove_absent(&self) -> Result {
        let mut units = Units {
            shost: self.shost,
            current: core::ptr::null_mut(),
        };
        while let Some(sdev) = units.next() {
            // SAFETY: `units` holds a reference to the unit until its next step.
            let address = unsafe { Device::from_raw(sdev) }.address();
            let Address { channel, id, lun } = address;
            if self.range.contains(channel, id, lun) && !self.is_present(address)? {
                // SAFETY: `units` holds a reference to the unit; no lock is held, so the call may take the
                // host's scan mutex and sleep. A unit that is gone already is left alone by C.
                unsafe { bindings::scsi_remove_device(sdev) };
            }
        }
        Ok(())
    }

    /// Scans the targets that are meant and in the list. Sleeps.
    fn add_present(&self) -> Result {
        let lun = self.range.lun();
        // A scan of a whole target begins with LUN 0, and ends with it where there is none.
        let first = if lun == ScanRange::ANY_LUN { 0 } else { lun };
        for (channel, id) in self.range.targets() {
            let address = Address {
                channel,
                id,
                lun: first,
            };
            if !self.is_present(address)? {
                continue;
            }
            // SAFETY: by the invariant the host is referenced.
            let parent = unsafe { &raw mut (*self.shost.as_ptr()).shost_gendev };
            // SAFETY: the parent is a referenced host's device, which is what C takes it for. No lock is
            // held, so the call may take the host's scan mutex and sleep; it does nothing if the host is
            // being removed.
            unsafe {
                bindings::scsi_scan_target(
                    parent,
                    channel,
                    id,
                    lun,
                    bindings::scsi_scan_mode_SCSI_SCAN_MANUAL,
                )
            };
        }
        Ok(())
    }
}

/// The logical units of a host, one after another (`shost_for_each_device`).
///
/// # Invariants
///
/// - `shost` is referenced while this exists.
/// - `current` is null, or a unit of the host whose reference is this one's.
struct Units {
    shost: NonNull<bindings::Scsi_Host>,
    current: *mut bindings::scsi_device,
}

impl Units {
    /// Gives the current unit back, and holds the next one until the step after it. May sleep.
    fn next(&mut self) -> Option<*mut bindings::scsi_device> {
        // SAFETY: the host is referenced; `current` is null or a referenced unit of it, and not used
        // hereafter.
        let next = unsafe { bindings::__scsi_iterate_devices(self.shost.as_ptr(), self.current) };
        // INVARIANT: C has taken a reference to what it returned, and put the one to `current`.
        self.current = next;
        (!self.current.is_null()).then_some(self.current)
    }
}

impl Drop for Units {
    fn drop(&mut self) {
        if !self.current.is_null() {
            // SAFETY: by the invariant the reference is ours, and it is not used hereafter.
            unsafe { bindings::scsi_device_put(self.current) };
        }
    }
}
