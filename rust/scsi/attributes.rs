// SPDX-License-Identifier: GPL-2.0

//! Read-only attributes of hosts and of logical units in sysfs.
//!
//! C headers: [`include/scsi/scsi_host.h`](srctree/include/scsi/scsi_host.h) (`shost_groups`,
//! `sdev_groups`), [`include/linux/sysfs.h`](srctree/include/linux/sysfs.h)

use super::device::Device;
use super::host::{
    bound_device,
    driver_of, //
};
use super::template::LowLevelDriver;
use crate::bindings;
use core::marker::PhantomData;
use kernel::bindings::{
    attribute,
    attribute_group,
    device_attribute, //
};
use kernel::device::{
    self,
    Bound, //
};
use kernel::fmt;
use kernel::prelude::*;
use kernel::str::{
    as_char_ptr_in_const_context,
    CStr, //
};
use storage::sysfs::fill;

/// Most attributes of each kind that a driver can have.
pub const MAX_ATTRIBUTES: usize = 8;

/// An attribute of the host (`/sys/class/scsi_host/hostN/NAME`).
pub struct Attribute<T> {
    /// The file name.
    pub name: &'static CStr,
    /// Writes the text; may sleep. More than a page is an error for the reader.
    pub show: fn(&T, &device::Device<Bound>, &mut dyn fmt::Write) -> fmt::Result,
}

/// An attribute of a logical unit (`/sys/block/DISK/device/NAME`).
pub struct DeviceAttribute<T> {
    /// The file name.
    pub name: &'static CStr,
    /// Writes the text; may sleep. More than a page is an error for the reader.
    pub show: fn(&T, &Device, &mut dyn fmt::Write) -> fmt::Result,
}

/// What C reads of one kind of attributes; the parts point to one another once they are linked.
pub(super) struct Table {
    attributes: [device_attribute; MAX_ATTRIBUTES],
    list: [*mut attribute; MAX_ATTRIBUTES + 1],
    group: attribute_group,
    groups: [*const attribute_group; 2],
}

impl Table {
    const fn new(attributes: [device_attribute; MAX_ATTRIBUTES]) -> Self {
        Self {
            attributes,
            list: [core::ptr::null_mut(); MAX_ATTRIBUTES + 1],
            group: pin_init::zeroed(),
            groups: [core::ptr::null(); 2],
        }
    }

    /// Links the first `count` attributes, where the table stays, and returns what the template points to.
    pub(super) fn link(&mut self, count: usize) -> *mut *const attribute_group {
        for (attribute, entry) in self.attributes.iter_mut().zip(&mut self.list).take(count) {
            *entry = &mut attribute.attr;
        }
        self.group.__bindgen_anon_2.attrs = self.list.as_mut_ptr();
        self.groups[0] = &self.group;
        self.groups.as_mut_ptr()
    }
}

type Show = unsafe extern "C" fn(
    *mut kernel::bindings::device,
    *mut device_attribute,
    *mut c_char,
) -> isize;

const fn raw(name: &'static CStr, show: Show) -> device_attribute {
    let mut attribute: device_attribute = pin_init::zeroed();
    attribute.attr.name = as_char_ptr_in_const_context(name);
    attribute.attr.mode = 0o444;
    attribute.__bindgen_anon_1.show = Some(show);
    attribute
}

/// The callbacks of a driver's attributes.
pub(super) struct Callbacks<T: LowLevelDriver>(PhantomData<fn() -> T>);

impl<T: LowLevelDriver> Callbacks<T> {
    /// # Safety
    ///
    /// Called by sysfs for a registered host of `T`; `page` has a page of room.
    unsafe extern "C" fn show_host<const N: usize>(
        dev: *mut kernel::bindings::device,
        _attribute: *mut device_attribute,
        page: *mut c_char,
    ) -> isize {
        // SAFETY: sysfs passes the device that has the attribute: the class device inside a `Scsi_Host`, as the
        // attribute is in `shost_groups` only.
        let shost = unsafe { kernel::container_of!(dev, bindings::Scsi_Host, shost_dev) };
        // SAFETY: the template with the attribute is one of `T`. `scsi_remove_host` waits, in `device_del`, until
        // no attribute of the class device is being read, so that the host is registered all through the call.
        let (driver, dev) = unsafe { (driver_of::<T>(shost), bound_device(shost)) };
        match T::ATTRIBUTES.get(N) {
            // SAFETY: sysfs passes a page to write to, which is its own during the call.
            Some(attribute) => unsafe { fill(page, |out| (attribute.show)(driver, dev, out)) },
            None => 0,
        }
    }

    /// # Safety
    ///
    /// Called by sysfs for a logical unit of a registered host of `T`; `page` has a page of room.
    unsafe extern "C" fn show_device<const N: usize>(
        dev: *mut kernel::bindings::device,
        _attribute: *mut device_attribute,
        page: *mut c_char,
    ) -> isize {
        // SAFETY: sysfs passes the device that has the attribute: the one inside a `scsi_device`, as the
        // attribute is in `sdev_groups` only.
        let sdev = unsafe { kernel::container_of!(dev, bindings::scsi_device, sdev_gendev) };
        // SAFETY: the template with the attribute is one of `T`. `__scsi_remove_device` waits until no attribute
        // is being read, and `scsi_remove_host` removes all units before it ends.
        let driver = unsafe { driver_of::<T>((*sdev).host) };
        // SAFETY: whoever reads an attribute has a reference to its device.
        let device = unsafe { Device::from_raw(sdev) };
        match T::DEVICE_ATTRIBUTES.get(N) {
            // SAFETY: sysfs passes a page to write to, which is its own during the call.
            Some(attribute) => unsafe { fill(page, |out| (attribute.show)(driver, device, out)) },
            None => 0,
        }
    }

    const fn host<const N: usize>() -> device_attribute {
        if N < T::ATTRIBUTES.len() {
            raw(T::ATTRIBUTES[N].name, Self::show_host::<N>)
        } else {
            pin_init::zeroed()
        }
    }

    const fn device<const N: usize>() -> device_attribute {
        if N < T::DEVICE_ATTRIBUTES.len() {
            raw(T::DEVICE_ATTRIBUTES[N].name, Self::show_device::<N>)
        } else {
            pin_init::zeroed()
        }
    }

    pub(super) const HOST: Table = Table::new([
        Self::host::<0>(),
        Self::host::<1>(),
        Self::host::<2>(),
        Self::host::<3>(),
        Self::host::<4>(),
        Self::host::<5>(),
        Self::host::<6>(),
        Self::host::<7>(),
    ]);

    pub(super) const DEVICE: Table = Table::new([
        Self::device::<0>(),
        Self::device::<1>(),
        Self::device::<2>(),
        Self::device::<3>(),
        Self::device::<4>(),
        Self::device::<5>(),
        Self::device::<6>(),
        Self::device::<7>(),
    ]);
}
