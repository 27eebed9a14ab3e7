// SPDX-License-Identifier: GPL-2.0

//! What a low-level driver implements, and the C host template made of it.
//!
//! C header: [`include/scsi/scsi_host.h`](srctree/include/scsi/scsi_host.h)

use super::command::{
    area_of,
    Area,
    Command,
    Rejected,
    TimedOut, //
};
use super::device::{
    Address,
    Device, //
};
use super::host::{
    bound_device,
    driver_of, //
};
use crate::bindings;
use core::cell::UnsafeCell;
use core::marker::PhantomData;
use core::ptr::NonNull;
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
use kernel::page::PAGE_SIZE;
use kernel::prelude::*;
use kernel::str::{
    as_char_ptr_in_const_context,
    CStr, //
};
use kernel::time::Delta;

/// What a step of the error-handler ladder achieved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Recovery {
    /// The step worked: the driver and the hardware no longer have the command.
    Success,
    /// The step failed: the mid-layer takes the next one.
    Failed,
    /// The transport is gone: the mid-layer ends the command without a further step.
    FastFail,
}

/// What is to be done with a command whose time is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TimeoutAction {
    /// Go on to the error-handler ladder.
    Escalate,
    /// Give the command its time once more.
    Extend,
}

/// The geometry that is told to programs which still ask for one (`HDIO_GETGEO`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Geometry {
    /// Heads.
    pub heads: u32,
    /// Sectors a track.
    pub sectors: u32,
}

/// A read-only attribute of the host in sysfs (`/sys/class/scsi_host/hostN/NAME`).
pub struct Attribute<T> {
    /// The file name.
    pub name: &'static CStr,
    /// Writes the text; may sleep. More than a page is cut.
    pub show: fn(&T, &device::Device<Bound>, &mut dyn fmt::Write) -> fmt::Result,
}

/// A SCSI low-level driver; `self` is one adapter.
///
/// The methods after [`LowLevelDriver::commit`] are optional. The error-handler methods run in the
/// host's error-handler thread: they may sleep, and no command of the host is queued meanwhile but their
/// own.
#[vtable]
pub trait LowLevelDriver: Send + Sync + Sized + 'static {
    /// Private data of each command, in the command's own area; made once, when the tags are allocated.
    type CommandData: Default + Send + Sync;

    /// Name of the driver, shown in sysfs as `proc_name`.
    const NAME: &'static CStr;

    /// Attributes of the host in sysfs, at most [`MAX_ATTRIBUTES`].
    const ATTRIBUTES: &'static [Attribute<Self>] = &[];

    /// Starts a command. Atomic context: no sleep.
    ///
    /// # Errors
    ///
    /// A command that cannot be started now is given back by [`Command::reject_host_busy`] or
    /// [`Command::reject_device_busy`]; one that never can is completed with an error instead.
    fn queue(
        &self,
        dev: &device::Device<Bound>,
        command: Command<Self>,
    ) -> Result<(), Rejected<Self>>;

    /// Rings the doorbell for commands queued before, when the last one of a batch was not queued.
    fn commit(&self, _dev: &device::Device<Bound>) {
        build_error!(kernel::error::VTABLE_DEFAULT_ERROR)
    }

    /// A command's time is over. Atomic context.
    fn timed_out(
        &self,
        _dev: &device::Device<Bound>,
        _command: &TimedOut<'_, Self>,
    ) -> TimeoutAction {
        build_error!(kernel::error::VTABLE_DEFAULT_ERROR)
    }

    /// Aborts one command. May sleep.
    fn abort(&self, _dev: &device::Device<Bound>, _command: &TimedOut<'_, Self>) -> Recovery {
        build_error!(kernel::error::VTABLE_DEFAULT_ERROR)
    }

    /// Resets the command's logical unit. May sleep.
    fn reset_device(
        &self,
        _dev: &device::Device<Bound>,
        _command: &TimedOut<'_, Self>,
    ) -> Recovery {
        build_error!(kernel::error::VTABLE_DEFAULT_ERROR)
    }

    /// Resets the command's target. May sleep.
    fn reset_target(
        &self,
        _dev: &device::Device<Bound>,
        _command: &TimedOut<'_, Self>,
    ) -> Recovery {
        build_error!(kernel::error::VTABLE_DEFAULT_ERROR)
    }

    /// Resets the command's channel. May sleep.
    fn reset_bus(&self, _dev: &device::Device<Bound>, _command: &TimedOut<'_, Self>) -> Recovery {
        build_error!(kernel::error::VTABLE_DEFAULT_ERROR)
    }

    /// Resets the adapter. On return, whatever it is, the driver has answered every command. May sleep.
    fn reset_host(&self, _dev: &device::Device<Bound>, _command: &TimedOut<'_, Self>) -> Recovery {
        build_error!(kernel::error::VTABLE_DEFAULT_ERROR)
    }

    /// Says whether a scan should ask at this address at all. May sleep.
    fn is_present(&self, _address: Address) -> bool {
        build_error!(kernel::error::VTABLE_DEFAULT_ERROR)
    }

    /// Configures a logical unit that answered the scan. May sleep.
    ///
    /// # Errors
    ///
    /// The mid-layer sets the unit offline.
    fn configure_device(&self, _device: &Device) -> Result {
        build_error!(kernel::error::VTABLE_DEFAULT_ERROR)
    }

    /// The geometry of a disk of so many 512-byte sectors. May sleep.
    fn geometry(&self, _sectors: u64) -> Geometry {
        build_error!(kernel::error::VTABLE_DEFAULT_ERROR)
    }
}

/// Most attributes that a driver can have.
pub const MAX_ATTRIBUTES: usize = 8;

/// The C host template of a driver, for a `static` of the driver's module.
///
/// # Examples
///
/// ```ignore
/// static TEMPLATE: scsi::Template<Adapter> = scsi::Template::new(&THIS_MODULE);
/// ```
pub struct Template<T: LowLevelDriver> {
    tables: UnsafeCell<Tables>,
    module: &'static ThisModule,
    _driver: PhantomData<fn() -> T>,
}

/// The C structures, which point to one another.
struct Tables {
    template: bindings::scsi_host_template,
    attributes: [device_attribute; MAX_ATTRIBUTES],
    attribute_list: [*mut attribute; MAX_ATTRIBUTES + 1],
    group: attribute_group,
    groups: [*const attribute_group; 2],
    linked: bool,
}

// SAFETY: the cell is written by `link` only, under a lock, and before any host exists that reads it.
unsafe impl<T: LowLevelDriver> Sync for Template<T> {}

kernel::sync::global_lock! {
    // SAFETY: initialised by `init`, which the module calls before anything else.
    unsafe(uninit) static LINK: Mutex<()> = ();
}

/// # Safety
///
/// Called once, when the module is loaded, before any [`Template`] is used.
pub(crate) unsafe fn init() {
    // SAFETY: by this function's contract.
    unsafe { LINK.init() };
}

impl<T: LowLevelDriver> Template<T> {
    /// Makes the template of a driver in `module`.
    pub const fn new(module: &'static ThisModule) -> Self {
        const {
            assert!(T::ATTRIBUTES.len() <= MAX_ATTRIBUTES, "too many attributes");
            // The area stands right behind the command, which is aligned to a pointer.
            assert!(core::mem::align_of::<Area<T::CommandData>>() <= 8);
        }
        Self {
            tables: UnsafeCell::new(Tables {
                template: Callbacks::<T>::TEMPLATE,
                attributes: Callbacks::<T>::ATTRIBUTES,
                attribute_list: [core::ptr::null_mut(); MAX_ATTRIBUTES + 1],
                group: pin_init::zeroed(),
                groups: [core::ptr::null(); 2],
                linked: false,
            }),
            module,
            _driver: PhantomData,
        }
    }

    /// Fills in the pointers that a constant cannot hold, once, and returns the template. May sleep.
    pub(super) fn link(&'static self) -> *const bindings::scsi_host_template {
        let _guard = LINK.lock();
        // SAFETY: the lock is held, and no host reads the tables before the first call has returned.
        let tables = unsafe { &mut *self.tables.get() };
        if !tables.linked {
            tables.template.module = self.module.as_ptr();
            for (index, _) in T::ATTRIBUTES.iter().enumerate() {
                if let (Some(attribute), Some(entry)) = (
                    tables.attributes.get_mut(index),
                    tables.attribute_list.get_mut(index),
                ) {
                    *entry = &mut attribute.attr;
                }
            }
            tables.group.__bindgen_anon_2.attrs = tables.attribute_list.as_mut_ptr();
            tables.groups[0] = &tables.group;
            tables.template.shost_groups = tables.groups.as_mut_ptr();
            tables.linked = true;
        }
        &tables.template
    }
}

/// The callbacks that C calls, and the constant part of the tables.
struct Callbacks<T: LowLevelDriver>(PhantomData<fn() -> T>);

/// The command that C passes, which is never null.
///
/// # Safety
///
/// `raw` is a command of a host of `T` and stays allocated for `'a`.
unsafe fn timed_out<'a, T: LowLevelDriver>(raw: *mut bindings::scsi_cmnd) -> TimedOut<'a, T> {
    // SAFETY: C passes a command, never null.
    let raw = unsafe { NonNull::new_unchecked(raw) };
    // SAFETY: by this function's contract.
    unsafe { TimedOut::from_raw(raw) }
}

impl<T: LowLevelDriver> Callbacks<T> {
    /// # Safety
    ///
    /// Called by the mid-layer for a command of a registered host of `T`, which it gives away.
    unsafe extern "C" fn queue(
        shost: *mut bindings::Scsi_Host,
        raw: *mut bindings::scsi_cmnd,
    ) -> bindings::scsi_qc_status {
        // SAFETY: the host is registered, so it has its driver and its device is bound.
        let (driver, dev) = unsafe { (driver_of::<T>(shost), bound_device(shost)) };
        // SAFETY: C passes a command, never null.
        let raw = unsafe { NonNull::new_unchecked(raw) };
        // SAFETY: by this function's contract.
        let command = unsafe { Command::from_mid_layer(raw) };
        match driver.queue(dev, command) {
            Ok(()) => 0,
            Err(rejected) => rejected.release(),
        }
    }

    /// # Safety
    ///
    /// Called by the mid-layer for a registered host of `T`.
    unsafe extern "C" fn commit(shost: *mut bindings::Scsi_Host, _queue: u16) {
        // SAFETY: the host is registered, so it has its driver and its device is bound.
        let (driver, dev) = unsafe { (driver_of::<T>(shost), bound_device(shost)) };
        driver.commit(dev);
    }

    /// # Safety
    ///
    /// Called once for each command of the tag set, whose area is not initialised.
    unsafe extern "C" fn init_command(
        _shost: *mut bindings::Scsi_Host,
        raw: *mut bindings::scsi_cmnd,
    ) -> c_int {
        // SAFETY: the template's `cmd_size` makes room for the area.
        unsafe { area_of::<T>(raw).write(Area::new()) };
        0
    }

    /// # Safety
    ///
    /// Called once for each command that `init_command` was called for, when it is idle.
    unsafe extern "C" fn exit_command(
        _shost: *mut bindings::Scsi_Host,
        raw: *mut bindings::scsi_cmnd,
    ) -> c_int {
        // SAFETY: initialised by `init_command`, and not used hereafter.
        unsafe { core::ptr::drop_in_place(area_of::<T>(raw)) };
        0
    }

    /// # Safety
    ///
    /// Called by the block layer's timeout for a command of a registered host of `T`.
    unsafe extern "C" fn eh_timed_out(
        raw: *mut bindings::scsi_cmnd,
    ) -> bindings::scsi_timeout_action {
        // SAFETY: the command is of a registered host and stays allocated during the call.
        let (driver, dev, command) = unsafe { parts::<T>(raw) };
        match driver.timed_out(dev, &command) {
            TimeoutAction::Escalate => bindings::scsi_timeout_action_SCSI_EH_NOT_HANDLED,
            TimeoutAction::Extend => bindings::scsi_timeout_action_SCSI_EH_RESET_TIMER,
        }
    }

    /// Runs one step of the ladder and checks its claim.
    ///
    /// # Safety
    ///
    /// Called by error handling for a command of a registered host of `T`.
    unsafe fn step(
        raw: *mut bindings::scsi_cmnd,
        what: fn(&T, &device::Device<Bound>, &TimedOut<'_, T>) -> Recovery,
    ) -> c_int {
        // SAFETY: the command is of a registered host and stays allocated during the call.
        let (driver, dev, command) = unsafe { parts::<T>(raw) };
        // CAST: the codes are small constants; C returns them as int.
        match what(driver, dev, &command) {
            // The mid-layer ends the command after these: a driver that still has it is not believed.
            Recovery::Success if !command.is_outstanding() => bindings::scsi_disposition_SUCCESS as c_int,
            Recovery::FastFail if !command.is_outstanding() => bindings::scsi_disposition_FAST_IO_FAIL as c_int,
            _ => bindings::scsi_disposition_FAILED as c_int,
        }
    }

    /// # Safety
    ///
    /// See [`Self::step`].
    unsafe extern "C" fn eh_abort(raw: *mut bindings::scsi_cmnd) -> c_int {
        // SAFETY: by this function's contract.
        unsafe { Self::step(raw, T::abort) }
    }

    /// # Safety
    ///
    /// See [`Self::step`].
    unsafe extern "C" fn eh_device_reset(raw: *mut bindings::scsi_cmnd) -> c_int {
        // SAFETY: by this function's contract.
        unsafe { Self::step(raw, T::reset_device) }
    }

    /// # Safety
    ///
    /// See [`Self::step`].
    unsafe extern "C" fn eh_target_reset(raw: *mut bindings::scsi_cmnd) -> c_int {
        // SAFETY: by this function's contract.
        unsafe { Self::step(raw, T::reset_target) }
    }

    /// # Safety
    ///
    /// See [`Self::step`].
    unsafe extern "C" fn eh_bus_reset(raw: *mut bindings::scsi_cmnd) -> c_int {
        // SAFETY: by this function's contract.
        unsafe { Self::step(raw, T::reset_bus) }
    }

    /// # Safety
    ///
    /// See [`Self::step`].
    unsafe extern "C" fn eh_host_reset(raw: *mut bindings::scsi_cmnd) -> c_int {
        // SAFETY: by this function's contract.
        let code = unsafe { Self::step(raw, T::reset_host) };
        // SAFETY: the command is of a registered host and stays allocated during the call.
        let (_, dev, command) = unsafe { parts::<T>(raw) };
        // This is the last step: the mid-layer ends the command next, whatever the code. A driver whose
        // other threads are still completing it gets the time for that; one that has lost it holds up
        // error handling here rather than have its command reused under it.
        let mut told = false;
        while command.is_outstanding() {
            if !told {
                dev_err!(dev, "a host reset returned with a command outstanding\n");
                told = true;
            }
            kernel::time::delay::fsleep(STRAGGLER_POLL);
        }
        code
    }

    /// # Safety
    ///
    /// Called by a scan for a new logical unit of a registered host of `T`.
    unsafe extern "C" fn sdev_init(sdev: *mut bindings::scsi_device) -> c_int {
        // SAFETY: the device is of a registered host.
        let driver = unsafe { driver_of::<T>((*sdev).host) };
        // SAFETY: the device is valid during the call.
        let device = unsafe { Device::from_raw(sdev) };
        if driver.is_present(device.address()) {
            0
        } else {
            ENXIO.to_errno()
        }
    }

    /// # Safety
    ///
    /// Called by a scan for a logical unit of a registered host of `T` that answered.
    unsafe extern "C" fn sdev_configure(
        sdev: *mut bindings::scsi_device,
        _limits: *mut kernel::bindings::queue_limits,
    ) -> c_int {
        // SAFETY: the device is of a registered host.
        let driver = unsafe { driver_of::<T>((*sdev).host) };
        // SAFETY: the device is valid during the call.
        let device = unsafe { Device::from_raw(sdev) };
        match driver.configure_device(device) {
            Ok(()) => 0,
            Err(error) => error.to_errno(),
        }
    }

    /// # Safety
    ///
    /// Called for a logical unit of a registered host of `T`; `parameters` has room for three ints.
    unsafe extern "C" fn bios_param(
        sdev: *mut bindings::scsi_device,
        _disk: *mut kernel::bindings::gendisk,
        capacity: kernel::bindings::sector_t,
        parameters: *mut c_int,
    ) -> c_int {
        // SAFETY: the device is of a registered host.
        let driver = unsafe { driver_of::<T>((*sdev).host) };
        let Geometry { heads, sectors } = driver.geometry(capacity);
        let track = u64::from(heads).saturating_mul(u64::from(sectors)).max(1);
        let values = [u64::from(heads), u64::from(sectors), capacity / track];
        for (index, value) in values.into_iter().enumerate() {
            let value = c_int::try_from(value).unwrap_or(c_int::MAX);
            // SAFETY: by this function's contract there is room for three.
            unsafe { parameters.add(index).write(value) };
        }
        0
    }

    /// # Safety
    ///
    /// Called by sysfs for a registered host of `T`; `page` has a page of room.
    unsafe extern "C" fn show<const N: usize>(
        dev: *mut kernel::bindings::device,
        _attribute: *mut device_attribute,
        page: *mut c_char,
    ) -> isize {
        // SAFETY: the attribute is one of the host's class device.
        let shost = unsafe { kernel::container_of!(dev, bindings::Scsi_Host, shost_dev) };
        // SAFETY: sysfs removes the attribute before the host is gone.
        let (driver, dev) = unsafe { (driver_of::<T>(shost), bound_device(shost)) };
        // SAFETY: by this function's contract; `c_char` and `u8` have the same layout.
        let page = unsafe { core::slice::from_raw_parts_mut(page.cast::<u8>(), PAGE_SIZE) };
        let mut writer = kernel::str::Formatter::new(page);
        let Some(attribute) = T::ATTRIBUTES.get(N) else {
            return 0;
        };
        if (attribute.show)(driver, dev, &mut writer).is_err() {
            return ENOSPC.to_errno() as isize;
        }
        isize::try_from(writer.bytes_written().min(PAGE_SIZE)).unwrap_or(0)
    }

    const fn attribute<const N: usize>() -> device_attribute {
        let mut attribute: device_attribute = pin_init::zeroed();
        if N < T::ATTRIBUTES.len() {
            attribute.attr.name = as_char_ptr_in_const_context(T::ATTRIBUTES[N].name);
            attribute.attr.mode = 0o444;
            attribute.__bindgen_anon_1.show = Some(Self::show::<N>);
        }
        attribute
    }

    const ATTRIBUTES: [device_attribute; MAX_ATTRIBUTES] = [
        Self::attribute::<0>(),
        Self::attribute::<1>(),
        Self::attribute::<2>(),
        Self::attribute::<3>(),
        Self::attribute::<4>(),
        Self::attribute::<5>(),
        Self::attribute::<6>(),
        Self::attribute::<7>(),
    ];

    const TEMPLATE: bindings::scsi_host_template = {
        let mut template: bindings::scsi_host_template = pin_init::zeroed();
        // CAST: a driver's private data is far smaller than 4 GiB.
        template.cmd_size = core::mem::size_of::<Area<T::CommandData>>() as u32;
        template.name = as_char_ptr_in_const_context(T::NAME);
        template.proc_name = as_char_ptr_in_const_context(T::NAME);
        template.this_id = -1;
        template.queuecommand = Some(Self::queue);
        template.init_cmd_priv = Some(Self::init_command);
        template.exit_cmd_priv = Some(Self::exit_command);
        if T::HAS_COMMIT {
            template.commit_rqs = Some(Self::commit);
        }
        if T::HAS_TIMED_OUT {
            template.eh_timed_out = Some(Self::eh_timed_out);
        }
        if T::HAS_ABORT {
            template.eh_abort_handler = Some(Self::eh_abort);
        }
        if T::HAS_RESET_DEVICE {
            template.eh_device_reset_handler = Some(Self::eh_device_reset);
        }
        if T::HAS_RESET_TARGET {
            template.eh_target_reset_handler = Some(Self::eh_target_reset);
        }
        if T::HAS_RESET_BUS {
            template.eh_bus_reset_handler = Some(Self::eh_bus_reset);
        }
        if T::HAS_RESET_HOST {
            template.eh_host_reset_handler = Some(Self::eh_host_reset);
        }
        if T::HAS_IS_PRESENT {
            template.sdev_init = Some(Self::sdev_init);
        }
        if T::HAS_CONFIGURE_DEVICE {
            template.sdev_configure = Some(Self::sdev_configure);
        }
        if T::HAS_GEOMETRY {
            template.bios_param = Some(Self::bios_param);
        }
        template
    };
}

/// How often a host reset looks whether a command that is still outstanding has been completed.
const STRAGGLER_POLL: Delta = Delta::from_millis(10);

/// What an error-handler callback needs.
///
/// # Safety
///
/// `raw` is a command of a registered host of `T` and stays allocated for `'a`.
unsafe fn parts<'a, T: LowLevelDriver>(
    raw: *mut bindings::scsi_cmnd,
) -> (&'a T, &'a device::Device<Bound>, TimedOut<'a, T>) {
    // SAFETY: a command has its device, and the device its host.
    let shost = unsafe { (*(*raw).device).host };
    // SAFETY: the host is registered.
    let (driver, dev) = unsafe { (driver_of::<T>(shost), bound_device(shost)) };
    // SAFETY: by this function's contract.
    (driver, dev, unsafe { timed_out(raw) })
}
