// SPDX-License-Identifier: GPL-2.0

//! What a low-level driver implements, and the C host template made of it.
//!
//! C header: [`include/scsi/scsi_host.h`](srctree/include/scsi/scsi_host.h)

use super::address::Address;
use super::attributes::{
    self,
    Attribute,
    DeviceAttribute,
    Table,
    MAX_ATTRIBUTES, //
};
use super::callbacks::Callbacks;
use super::command::{
    Area,
    Command,
    Done,
    Rejected,
    TimedOut, //
};
use super::device::Device;
use super::in_flight::InFlight;
use crate::bindings;
use core::cell::UnsafeCell;
use core::marker::PhantomData;
use kernel::device::{
    self,
    Bound, //
};
use kernel::prelude::*;
use kernel::str::CStr;
use storage::doorbell::Posting;

/// What a step of the error-handler ladder achieved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Recovery {
    /// The step worked: the driver and the hardware no longer have the command.
    Success,
    /// The step failed: the mid-layer takes the next one.
    Failed,
}

/// What is to be done with a command whose time is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TimeoutAction {
    /// Go on to the error-handler ladder.
    Escalate,
    /// The driver has just completed the command, in this very call.
    Completed,
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

/// A SCSI low-level driver; `self` is one adapter.
///
/// The methods from [`LowLevelDriver::commit`] on are optional.
///
/// # Error handling
///
/// | method | runs in | other commands of the host |
/// | --- | --- | --- |
/// | `timed_out` | the block layer's timeout work, a process that must not sleep | come and go |
/// | `abort` | the host's work queue (`scsi_tmf_N`), one at a time | come and go |
/// | `abort` and resets | the host's thread (`scsi_eh_N`) | none is queued but error handling's own |
/// | resets, by `sg_reset` | the task that asks, at any time, several at a time | come and go |
///
/// So `abort` and the resets may run at the same time as each other and as `queue`; all may sleep. An abort
/// or a reset counts as failed if the driver still has a command in its scope.
#[vtable]
pub trait LowLevelDriver: Send + Sync + Sized + 'static {
    /// Private data of each command, in the command's own area; made once, when the tags are allocated.
    type CommandData: Default + Send + Sync;

    /// Name of the driver, shown in sysfs as `proc_name`.
    const NAME: &'static CStr;

    /// Whether the mid-layer waits 10 s after each reset of a bus or of the host, for devices to come back. Without, a
    /// reset is over when the driver returns.
    const SETTLE_AFTER_RESET: bool = true;

    /// Attributes of the host in sysfs, at most [`MAX_ATTRIBUTES`].
    const ATTRIBUTES: &'static [Attribute<Self>] = &[];

    /// Attributes of each logical unit in sysfs, at most [`MAX_ATTRIBUTES`].
    const DEVICE_ATTRIBUTES: &'static [DeviceAttribute<Self>] = &[];

    /// Starts a command. Atomic context: no sleep.
    ///
    /// # Errors
    ///
    /// A command that cannot be started now is given back by [`Command::reject_host_busy`]; one that never
    /// can is completed with an error instead.
    fn queue<'c>(
        &self,
        dev: &device::Device<Bound>,
        command: Command<'c, Self>,
    ) -> Result<Done<'c>, Rejected<'c>>;

    /// The table that the driver posts its commands from, always the same: what a host reset leaves in it is
    /// ended there. A table that no host was registered with takes no commands. Any context.
    fn in_flight(&self) -> &InFlight<Self>;

    /// Resets the adapter. May sleep; see "Error handling" above.
    ///
    /// On return, whatever it is, the hardware does not touch a command's memory any more (the reset was
    /// proven, or the device is kept from DMA for good), and the driver has answered every command. On success
    /// the adapter takes new ones: nothing waits for it to settle.
    fn reset_host(&self, dev: &device::Device<Bound>, command: &TimedOut<'_, Self>) -> Recovery;

    /// The library has taken bus mastering from the device for good: a host reset had left a command in the
    /// table, and the hardware may still have it. May sleep; may be called several times, also while a reset
    /// that user space asks for runs.
    ///
    /// The device can read no command and write no answer any more. From now on the driver completes every
    /// command with an error at once, and waits for no answer, also when its host is removed.
    fn dma_stopped(&self, dev: &device::Device<Bound>);

    /// Rings the doorbell for commands posted before, when the last one of a batch was not queued. Atomic
    /// context.
    fn commit(&self, _dev: &device::Device<Bound>, _posting: Posting<'_>) {
        build_error!(kernel::error::VTABLE_DEFAULT_ERROR)
    }

    /// A command's time is over. Atomic context.
    ///
    /// If the driver completes the command during the call, the return value does not matter.
    fn timed_out(
        &self,
        _dev: &device::Device<Bound>,
        _command: &TimedOut<'_, Self>,
    ) -> TimeoutAction {
        build_error!(kernel::error::VTABLE_DEFAULT_ERROR)
    }

    /// Aborts one command. May sleep; other commands come and go meanwhile.
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

    /// Resets the command's target: the mid-layer then ends the commands of its id on every channel. May
    /// sleep.
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

    /// Says whether a scan should ask at this address at all. May sleep.
    fn is_present(&self, _address: Address) -> bool {
        build_error!(kernel::error::VTABLE_DEFAULT_ERROR)
    }

    /// User space asks for a scan: reads from hardware which targets there are, so that
    /// [`LowLevelDriver::is_present`], which a driver with this method has, answers by what is there now.
    /// Afterwards the logical units that are no longer there are removed, and the targets that are there are
    /// scanned. May sleep, for a bounded time; a removal of the host waits for it. Two scans may call it at
    /// once.
    ///
    /// # Errors
    ///
    /// What the writer of `/sys/class/scsi_host/hostN/scan` is to get, `EAGAIN` if hardware cannot be asked
    /// just now. The list stays as it was; nothing is scanned, and nothing removed.
    fn rescan(&self, _dev: &device::Device<Bound>) -> Result {
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
    ///
    /// It may be asked of a disk whose host is gone, so it knows nothing of the adapter.
    fn geometry(_sectors: u64) -> Geometry {
        build_error!(kernel::error::VTABLE_DEFAULT_ERROR)
    }
}

/// The C host template of a driver, for a `static` of the driver's module.
///
/// # Examples
///
/// ```ignore
/// static TEMPLATE: scsi::Template<Adapter> = scsi::Template::new(storage::this_module!());
/// ```
pub struct Template<T: LowLevelDriver> {
    tables: UnsafeCell<Tables>,
    module: &'static ThisModule,
    _driver: PhantomData<fn() -> T>,
}

/// The C structures, which point to one another.
struct Tables {
    template: bindings::scsi_host_template,
    host: Table,
    device: Table,
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
    // SAFETY: `init` is called once, by the library's module, before a driver can use the lock: a driver's
    // module is loaded after the library's.
    unsafe { LINK.init() };
}

impl<T: LowLevelDriver> Template<T> {
    /// Makes the template of a driver in `module`.
    pub const fn new(module: &'static ThisModule) -> Self {
        const {
            assert!(T::ATTRIBUTES.len() <= MAX_ATTRIBUTES, "too many attributes");
            assert!(
                T::DEVICE_ATTRIBUTES.len() <= MAX_ATTRIBUTES,
                "too many attributes"
            );
            assert!(
                T::HAS_IS_PRESENT || !T::HAS_RESCAN,
                "a driver with `rescan` needs `is_present`"
            );
            // The area stands right behind the command, which is aligned to a pointer.
            assert!(core::mem::align_of::<Area<T::CommandData>>() <= 8);
        }
        Self {
            tables: UnsafeCell::new(Tables {
                template: Callbacks::<T>::TEMPLATE,
                host: attributes::Callbacks::<T>::HOST,
                device: attributes::Callbacks::<T>::DEVICE,
                linked: false,
            }),
            module,
            _driver: PhantomData,
        }
    }

    /// Fills in the pointers that a constant cannot hold, once, and returns the template. May sleep.
    pub(super) fn link(&'static self) -> *const bindings::scsi_host_template {
        let _guard = LINK.lock();
        let raw = self.tables.get();
        // SAFETY: the cell is valid, as `self` is; `linked` is written under the lock only, which is held.
        if !unsafe { (*raw).linked } {
            // SAFETY: no other reference: whoever makes one holds the lock, and C gets a pointer only when this
            // function has returned for the first time, after which `linked` keeps everybody out of here.
            let tables = unsafe { &mut *raw };
            tables.template.module = self.module.as_ptr();
            // Where a depth was cut, by `Device::throttle` or a full task set, it comes back by and by.
            tables.template.set_track_queue_depth(1);
            tables
                .template
                .set_skip_settle_delay(u32::from(!T::SETTLE_AFTER_RESET));
            tables.template.shost_groups = tables.host.link(T::ATTRIBUTES.len());
            tables.template.sdev_groups = tables.device.link(T::DEVICE_ATTRIBUTES.len());
            tables.linked = true;
        }
        // SAFETY: the cell is valid, as `self` is; nothing is read.
        unsafe { &raw const (*raw).template }
    }
}
