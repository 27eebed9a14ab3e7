// SPDX-License-Identifier: GPL-2.0

//! What the kernel crate's PCI driver abstraction lacks: shutdown, and an end of bus mastering.
//!
//! C header: [`include/linux/pci.h`](srctree/include/linux/pci.h)

use core::pin::Pin;
use kernel::bindings;
use kernel::device::{
    self,
    Bound,
    Core,
    CoreInternal, //
};
use kernel::pci;

/// A PCI driver that wants to know of a reboot or a power-off.
pub trait Shutdown: pci::Driver {
    /// The system goes down: bring the device to rest. Called instead of unbinding, after the device's
    /// children have been shut down. May sleep.
    fn shutdown<'bound>(dev: &'bound pci::Device<Core<'_>>, data: Pin<&Self::Data<'bound>>);
}

/// Makes [`Shutdown::shutdown`] be called for the devices of `T`; call it from `probe`. May sleep.
pub fn enable_shutdown<T: Shutdown>(dev: &pci::Device<Core<'_>>) {
    let raw = core::ptr::from_ref::<pci::Device<Core<'_>>>(dev)
        .cast_mut()
        .cast::<bindings::pci_dev>();
    // SAFETY: the device is being probed by the driver that it points to, which is `T`'s, so the driver
    // structure is valid; the callback is read under the device's lock, which `probe` holds too.
    unsafe { (*(*raw).driver).shutdown = Some(shutdown::<T>) };
}

/// # Safety
///
/// Called by the PCI bus, under the device's lock, for a device that `T` is bound to.
unsafe extern "C" fn shutdown<T: Shutdown>(raw: *mut bindings::pci_dev) {
    // SAFETY: valid during the call, which the bus makes in core context.
    let dev = unsafe { &*raw.cast::<pci::Device<CoreInternal<'_>>>() };
    // SAFETY: `T` is bound, so `probe` has succeeded and its data was stored.
    let data = unsafe { dev.as_ref().drvdata_borrow::<T::Data<'_>>() };
    T::shutdown(dev, data);
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
