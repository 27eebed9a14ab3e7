// SPDX-License-Identifier: GPL-2.0

//! What the kernel crate's PCI driver abstraction lacks: attributes of the driver, shutdown, and an end of bus
//! mastering.
//!
//! C header: [`include/linux/pci.h`](srctree/include/linux/pci.h)

use crate::driver::{
    File,
    Groups,
    HasAttributes, //
};
use core::pin::Pin;
use kernel::bindings;
use kernel::device::{
    self,
    Bound,
    Core,
    CoreInternal, //
};
use kernel::driver;
use kernel::pci;
use kernel::prelude::*;
use kernel::str::CStr;
use kernel::types::Opaque;

/// A PCI driver that wants to know of a reboot or a power-off, and may have attributes.
pub trait Shutdown: pci::Driver {
    /// Attributes of the driver in sysfs, at most [`MAX_ATTRIBUTES`](crate::driver::MAX_ATTRIBUTES). A driver
    /// whose attributes cannot be made is registered without them, and the log says so.
    const ATTRIBUTES: &'static [File] = &[];

    /// The system goes down: bring the device to rest. Called instead of unbinding, after the device's
    /// children have been shut down. May sleep.
    fn shutdown<'bound>(dev: &'bound pci::Device<Core<'_>>, data: Pin<&Self::Data<'bound>>);
}

/// The registration of a PCI driver that implements [`Shutdown`]; stands where `kernel::pci::Adapter` would.
///
/// # Examples
///
/// ```ignore
/// _driver <- driver::Registration::<storage::pci::Adapter<MyDriver>>::new(name, module),
/// ```
pub struct Adapter<T: Shutdown>(T);

impl<T: Shutdown> HasAttributes for Adapter<T> {
    const FILES: &'static [File] = T::ATTRIBUTES;
}

// SAFETY: all of it is that of the kernel crate's adapter for the same driver.
unsafe impl<T: Shutdown> driver::DriverLayout for Adapter<T> {
    type DriverType = <pci::Adapter<T> as driver::DriverLayout>::DriverType;
    type DriverData<'bound> = <pci::Adapter<T> as driver::DriverLayout>::DriverData<'bound>;
    const DEVICE_DRIVER_OFFSET: usize =
        <pci::Adapter<T> as driver::DriverLayout>::DEVICE_DRIVER_OFFSET;
}

// SAFETY: it is the kernel crate's adapter that registers and unregisters.
unsafe impl<T: Shutdown> driver::RegistrationOps for Adapter<T> {
    /// # Safety
    ///
    /// As [`driver::RegistrationOps::register`].
    unsafe fn register(
        driver: &Opaque<Self::DriverType>,
        name: &'static CStr,
        module: &'static ThisModule,
    ) -> Result {
        // SAFETY: not registered yet, so it is the caller's; the adapter below leaves this field alone.
        unsafe { (*driver.get()).shutdown = Some(shutdown::<T>) };
        let register = || {
            // SAFETY: what the adapter below asks for is what this function's caller guarantees: the driver
            // stays where it is, and valid, until `unregister`.
            unsafe { <pci::Adapter<T> as driver::RegistrationOps>::register(driver, name, module) }
        };
        if T::ATTRIBUTES.is_empty() {
            return register();
        }
        // SAFETY: not registered yet, so it is the caller's; the adapter leaves this field alone too.
        unsafe { (*driver.get()).groups = Groups::<Self>::GROUPS.as_ptr().cast_mut() };
        let registered = register();
        let Err(error) = registered else {
            return registered;
        };
        // A file in sysfs is not worth a disk: if it was because of the files, it succeeds without them.
        // SAFETY: the registration has failed, so it is the caller's again.
        unsafe { (*driver.get()).groups = core::ptr::null_mut() };
        register().map_err(|_| error)?;
        pr_warn!("{}: no attributes of the driver: {:?}\n", name, error);
        Ok(())
    }

    /// # Safety
    ///
    /// As [`driver::RegistrationOps::unregister`].
    unsafe fn unregister(driver: &Opaque<Self::DriverType>) {
        // SAFETY: by this function's contract.
        unsafe { <pci::Adapter<T> as driver::RegistrationOps>::unregister(driver) }
    }
}

/// # Safety
///
/// Called by the PCI bus, under the device's lock, for a device of the driver that [`Adapter`] registered.
unsafe extern "C" fn shutdown<T: Shutdown>(raw: *mut bindings::pci_dev) {
    // SAFETY: valid during the call, which the bus makes in core context.
    let dev = unsafe { &*raw.cast::<pci::Device<CoreInternal<'_>>>() };
    // SAFETY: the bus calls for bound devices only, so `probe` has succeeded and its data was stored.
    let data = unsafe { dev.as_ref().drvdata_borrow::<T::Data<'_>>() };
    T::shutdown(dev, data);
}

/// Whether this kernel was started after a crash, to save a dump (`is_kdump_kernel()`, or `reset_devices` on
/// the command line): memory and interrupts are scarce, and devices still do what the crashed kernel told
/// them. Any context.
pub fn is_capture_kernel() -> bool {
    // SAFETY: no requirements.
    unsafe { crate::bindings::storage_is_capture_kernel() }
}

/// Takes bus mastering away: the device can no longer write to memory. Any context.
pub fn stop_dma(dev: &device::Device<Bound>) {
    if let Ok(dev) = <&pci::Device<Bound>>::try_from(dev) {
        let raw = core::ptr::from_ref::<pci::Device<Bound>>(dev)
            .cast_mut()
            .cast();
        // SAFETY: the device is valid and bound.
        unsafe { bindings::pci_clear_master(raw) };
    }
}

/// Lets the device write to memory again. Any context.
pub fn start_dma(dev: &device::Device<Bound>) {
    if let Ok(dev) = <&pci::Device<Bound>>::try_from(dev) {
        let raw = core::ptr::from_ref::<pci::Device<Bound>>(dev)
            .cast_mut()
            .cast();
        // SAFETY: the device is valid and bound.
        unsafe { bindings::pci_set_master(raw) };
    }
}
