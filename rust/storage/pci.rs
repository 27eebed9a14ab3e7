// SPDX-License-Identifier: GPL-2.0

//! What the kernel crate's PCI driver abstraction lacks: DMA masks, driver attributes, shutdown, and disabling
//! the device.
//!
//! C header: [`include/linux/pci.h`](srctree/include/linux/pci.h)

pub use crate::compat::DevresBar;

use crate::compat::{
    pci_id_info,
    PciIdInfo, //
};
use crate::dma::{
    self,
    AddressWidth, //
};
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
use kernel::sync::aref::ARef;
use kernel::types::Opaque;

/// A PCI driver like [`kernel::pci::Driver`] that uses DMA. It is also called at a reboot or a power-off, and
/// may have attributes.
///
/// The DMA masks must not change while memory is allocated or mapped for the device. Therefore the driver does
/// not set them: it declares the widest address of its devices, and `probe` gets the width that was set.
pub trait Driver {
    /// The driver's data for each device id.
    type IdInfo: 'static;

    /// The data of a bound device.
    type Data<'bound>: Send + 'bound;

    /// The ids of the devices.
    const ID_TABLE: pci::IdTable<Self::IdInfo>;

    /// The widest DMA address that the devices support for data.
    const ADDRESS_WIDTH: AddressWidth;

    /// The widest that they support for coherent memory.
    const COHERENT_WIDTH: AddressWidth;

    /// Attributes of the driver in sysfs, at most [`MAX_ATTRIBUTES`](crate::driver::MAX_ATTRIBUTES). A driver
    /// whose attributes cannot be made is registered without them, and the log says so.
    const ATTRIBUTES: &'static [File] = &[];

    /// Binds the driver to a device of [`ID_TABLE`](Self::ID_TABLE). `width` is the width of DMA addresses for data. May sleep.
    ///
    /// If the platform cannot give the device memory that it can reach, the probe fails without this call.
    fn probe<'bound>(
        dev: &'bound pci::Device<Core<'_>>,
        id_info: &'bound Self::IdInfo,
        width: AddressWidth,
    ) -> impl PinInit<Self::Data<'bound>, Error> + 'bound;

    /// The driver or the device is being removed: stops the device. May sleep.
    fn unbind<'bound>(dev: &'bound pci::Device<Core<'_>>, data: Pin<&Self::Data<'bound>>);

    /// The system goes down: bring the device to rest. Called instead of unbinding, after the device's
    /// children have been shut down. May sleep.
    fn shutdown<'bound>(dev: &'bound pci::Device<Core<'_>>, data: Pin<&Self::Data<'bound>>);
}

/// The driver as the kernel crate knows it: the masks are set before its `probe`.
struct Masked<T>(T);

impl<T: Driver> pci::Driver for Masked<T> {
    type IdInfo = T::IdInfo;
    type Data<'bound> = T::Data<'bound>;

    const ID_TABLE: pci::IdTable<Self::IdInfo> = T::ID_TABLE;

    fn probe<'bound>(
        dev: &'bound pci::Device<Core<'_>>,
        id_info: PciIdInfo<'bound, Self::IdInfo>,
    ) -> impl PinInit<Self::Data<'bound>, Error> + 'bound {
        pin_init::pin_init_scope(move || {
            let id_info = pci_id_info(id_info).ok_or(ENODEV)?;
            // SAFETY: nobody may allocate or map DMA memory for the device meanwhile. That takes a reference
            // to a bound device, which only its driver's callbacks are given. The driver core holds the
            // device's lock and calls this as the first one; the driver's own `probe` runs after it, and what
            // an earlier driver had is gone with its binding.
            let width = unsafe { dma::set_masks(dev, T::ADDRESS_WIDTH, T::COHERENT_WIDTH) }?;
            Ok(T::probe(dev, id_info, width))
        })
    }

    fn unbind<'bound>(dev: &'bound pci::Device<Core<'_>>, data: Pin<&Self::Data<'bound>>) {
        T::unbind(dev, data);
    }
}

/// The registration of a PCI driver that implements [`Driver`]; stands where `kernel::pci::Adapter` would.
///
/// # Examples
///
/// ```ignore
/// _driver <- driver::Registration::<storage::pci::Adapter<MyDriver>>::new(name, module),
/// ```
pub struct Adapter<T: Driver>(T);

impl<T: Driver> HasAttributes for Adapter<T> {
    const FILES: &'static [File] = T::ATTRIBUTES;
}

/// The kernel crate's adapter, which does the rest.
type Inner<T> = pci::Adapter<Masked<T>>;

// SAFETY: the trait wants the C type of the driver, the type that is stored as a device's driver data, and
// where `struct device_driver` is in the former. All three are those that the kernel crate states for its own
// adapter of the same driver, and it is that adapter that registers the driver and stores the data.
unsafe impl<T: Driver> driver::DriverLayout for Adapter<T> {
    type DriverType = bindings::pci_driver;
    type DriverData<'bound> = T::Data<'bound>;
    const DEVICE_DRIVER_OFFSET: usize = <Inner<T> as driver::DriverLayout>::DEVICE_DRIVER_OFFSET;
}

// SAFETY: the trait wants `unregister` to be valid after a `register` that succeeded. Both are those of the
// kernel crate's adapter, for which that holds; the field that is set beside them changes nothing of it.
unsafe impl<T: Driver> driver::RegistrationOps for Adapter<T> {
    /// # Safety
    ///
    /// As [`driver::RegistrationOps::register`].
    unsafe fn register(
        driver: &Opaque<Self::DriverType>,
        name: &'static CStr,
        module: &'static ThisModule,
    ) -> Result {
        // SAFETY: the pointer must be valid for a write, which nobody else may do or read meanwhile. It is to
        // the memory of `driver`; `driver::Registration` calls this before anybody else knows the driver. The
        // adapter below leaves this field alone, and the bus calls the function as it asks for: see there.
        unsafe { (*driver.get()).shutdown = Some(shutdown::<T>) };
        let register = || {
            // SAFETY: the function has the requirements of this one, for the same driver, name and module:
            // `driver::Registration`, which calls this one, guarantees them. It may be called again after it
            // has failed, which leaves nothing registered.
            unsafe { <Inner<T> as driver::RegistrationOps>::register(driver, name, module) }
        };
        if T::ATTRIBUTES.is_empty() {
            return register();
        }
        // SAFETY: as for `shutdown`: nobody else knows the driver yet, and the adapter leaves the field alone.
        // The groups are constant, as long as the module is there.
        unsafe { (*driver.get()).groups = Groups::<Self>::GROUPS.as_ptr().cast_mut() };
        let registered = register();
        let Err(error) = registered else {
            return registered;
        };
        // A missing sysfs file must not cost a disk: try without the files, in case they are the cause.
        // SAFETY: as above: the registration has failed, so nobody else knows the driver any more.
        unsafe { (*driver.get()).groups = core::ptr::null_mut() };
        register().map_err(|_| error)?;
        pr_warn!("{}: driver attributes not made: {:?}\n", name, error);
        Ok(())
    }

    /// # Safety
    ///
    /// As [`driver::RegistrationOps::unregister`].
    unsafe fn unregister(driver: &Opaque<Self::DriverType>) {
        // SAFETY: `driver` must have been registered by the same adapter: `register` above has done that, and
        // `driver::Registration` calls this one only after it has succeeded, once.
        unsafe { <Inner<T> as driver::RegistrationOps>::unregister(driver) }
    }
}

/// # Safety
///
/// Called by the PCI bus, under the device's lock, for a device that the driver of [`Adapter`] is bound to.
unsafe extern "C" fn shutdown<T: Driver>(raw: *mut bindings::pci_dev) {
    // SAFETY: the reference wants a valid device for as long as it is used, in the context that its type says.
    // The bus holds a reference and the device's lock during this call, which is what core context means, and
    // `Device` is a transparent wrapper of `struct pci_dev`.
    let dev = unsafe { &*raw.cast::<pci::Device<CoreInternal<'_>>>() };
    // SAFETY: the type must be that of the data that `set_drvdata` stored. The bus calls for devices with a
    // driver only, under the lock that `probe` and `remove` have too: `probe` has succeeded, the kernel crate's
    // adapter has stored what it returned, and nobody takes that away during the call.
    let data = unsafe { dev.as_ref().drvdata_borrow::<T::Data<'_>>() };
    T::shutdown(dev, data);
}

/// Whether this kernel was started after a crash, to save a dump (`is_kdump_kernel()`, or `reset_devices` on
/// the command line): memory and interrupts are scarce, and devices still do what the crashed kernel told
/// them. Any context.
pub fn is_capture_kernel() -> bool {
    // SAFETY: the function takes no argument and reads two variables that do not change after boot.
    unsafe { crate::bindings::storage_is_capture_kernel() }
}

/// Takes bus mastering away: the device can no longer write to memory. Any context.
///
/// # Errors
///
/// `EINVAL` if it is not a PCI device: it can still write.
pub fn stop_dma(dev: &device::Device<Bound>) -> Result {
    let dev = <&pci::Device<Bound>>::try_from(dev)?;
    let raw = core::ptr::from_ref::<pci::Device<Bound>>(dev)
        .cast_mut()
        .cast();
    // SAFETY: the function wants a valid `struct pci_dev`. `dev` is a reference to a transparent wrapper of
    // one; bound, so that nobody else sets up the device meanwhile. The register is written by the
    // configuration access functions, which lock for themselves.
    unsafe { bindings::pci_clear_master(raw) };
    Ok(())
}

/// A device whose memory window is enabled. When this is dropped the device is disabled again: it no longer reads
/// or writes memory. Dropping may sleep.
///
/// Bus mastering is left alone: what used the device before may have left commands in it. The driver first brings
/// it to rest by its registers, and then calls [`pci::Device::set_master`].
///
/// # Invariants
///
/// `pci_enable_device_mem` has succeeded for the device, once for this value.
pub struct Enabled(ARef<pci::Device>);

impl Enabled {
    /// Enables the device. May sleep.
    ///
    /// # Errors
    ///
    /// Those of `pci_enable_device_mem`: among them `EINVAL` if a window has no address, `EIO` if the device
    /// does not wake up.
    pub fn new(dev: &pci::Device<Core<'_>>) -> Result<Self> {
        dev.enable_device_mem()?;
        // INVARIANT: it has just succeeded; nothing else copies or makes a value of this type.
        Ok(Self(dev.into()))
    }
}

impl Drop for Enabled {
    fn drop(&mut self) {
        let raw = core::ptr::from_ref::<pci::Device>(&self.0)
            .cast_mut()
            .cast();
        // SAFETY: `pci_disable_device` wants a valid device, which the reference keeps, and an earlier
        // `pci_enable_device*` that was not undone yet, which the type's invariant states.
        unsafe { bindings::pci_disable_device(raw) };
    }
}
