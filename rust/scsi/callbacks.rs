// SPDX-License-Identifier: GPL-2.0

//! The functions that the mid-layer calls, and the constant part of the host template.
//!
//! C header: [`include/scsi/scsi_host.h`](srctree/include/scsi/scsi_host.h)

use super::command::{
    area_of,
    Area,
    Command, //
};
use super::device::Device;
use super::error_handler;
use super::host::{
    bound_device,
    driver_of, //
};
use super::template::{
    Geometry,
    LowLevelDriver, //
};
use crate::bindings;
use core::marker::PhantomData;
use core::ptr::NonNull;
use kernel::device::{
    self,
    Bound, //
};
use kernel::prelude::*;
use kernel::str::as_char_ptr_in_const_context;
use storage::doorbell::Posting;

/// The callbacks that C calls, and the constant part of the tables.
pub(super) struct Callbacks<T: LowLevelDriver>(PhantomData<fn() -> T>);

impl<T: LowLevelDriver> Callbacks<T> {
    /// # Safety
    ///
    /// Called by the mid-layer for a command of a registered host of `T`, whose area is initialised.
    unsafe extern "C" fn queue(
        shost: *mut bindings::Scsi_Host,
        raw: *mut bindings::scsi_cmnd,
    ) -> bindings::scsi_qc_status {
        // SAFETY: the mid-layer calls for a registered host, which is not removed before the commands that
        // are being queued have ended; its device stays bound until then, see `Host::remove`.
        let (driver, dev) = unsafe { (driver_of::<T>(shost), bound_device(shost)) };
        // SAFETY: the mid-layer passes a command, never null.
        let raw = unsafe { NonNull::new_unchecked(raw) };
        // SAFETY: the command is valid for the call; its submitter set the field.
        let submitter = unsafe { (*raw.as_ptr()).submitter };
        if submitter != bindings::scsi_cmnd_submitter_SUBMITTED_BY_BLOCK_LAYER {
            // SAFETY: the mid-layer calls for a command of a registered host of `T` with an initialised
            // area, and those that are not the block layer's are error handling's.
            return unsafe { error_handler::queue(driver, dev, raw) };
        }
        // SAFETY: as above. The block layer calls inside a read-side section.
        unsafe { Self::start(driver, dev, raw) }
    }

    /// Gives a command to the driver.
    ///
    /// # Safety
    ///
    /// `raw` is a command of the registered host of `driver` that `queuecommand` is being called with, and
    /// its area is initialised. The caller is in a read-side section.
    #[inline]
    pub(super) unsafe fn start(
        driver: &T,
        dev: &device::Device<Bound>,
        raw: NonNull<bindings::scsi_cmnd>,
    ) -> bindings::scsi_qc_status {
        // SAFETY: the caller promises the first two; the lifetime of the command is chosen here, and ends
        // with the call of `queue` below, which returns the only thing that has it.
        let Some(command) = (unsafe { Command::from_mid_layer(raw) }) else {
            return bindings::scsi_qc_status_SCSI_MLQUEUE_HOST_BUSY;
        };
        match driver.queue(dev, command) {
            Ok(_done) => 0,
            Err(rejected) => rejected.code(),
        }
    }

    /// # Safety
    ///
    /// Called by the mid-layer for a registered host of `T`.
    unsafe extern "C" fn commit(shost: *mut bindings::Scsi_Host, _queue: u16) {
        // SAFETY: as in `queue`: it is called for commands that are being queued.
        let (driver, dev) = unsafe { (driver_of::<T>(shost), bound_device(shost)) };
        // SAFETY: a posting wants commands that were recorded: the batch that this call ends is in the table.
        driver.commit(dev, unsafe { Posting::new() });
    }

    /// # Safety
    ///
    /// Called once for each command of the tag set and each queue's flush request, whose area is not
    /// initialised.
    unsafe extern "C" fn init_command(
        _shost: *mut bindings::Scsi_Host,
        raw: *mut bindings::scsi_cmnd,
    ) -> c_int {
        // SAFETY: the block layer allocates `cmd_size` bytes behind each command, which `TEMPLATE` makes as
        // large as the area; `Template::new` asserts the alignment. Nobody else uses the command yet.
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
        // SAFETY: `init_command` has initialised it, and this is the last use: the block layer frees the
        // command next, whose request is idle, so that no `Command` of it is left.
        unsafe { core::ptr::drop_in_place(area_of::<T>(raw)) };
        0
    }

    /// # Safety
    ///
    /// Called by a scan for a new logical unit of a registered host of `T`.
    unsafe extern "C" fn sdev_init(sdev: *mut bindings::scsi_device) -> c_int {
        // SAFETY: a scan holds the host's `scan_mutex`, which a removal takes before it goes on: the host of
        // a device that is scanned is registered all through the call.
        let driver = unsafe { driver_of::<T>((*sdev).host) };
        // SAFETY: the mid-layer has a reference to the device that it passes, for the call.
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
        // SAFETY: a scan holds the host's `scan_mutex`, which a removal takes before it goes on: the host of
        // a device that is scanned is registered all through the call.
        let driver = unsafe { driver_of::<T>((*sdev).host) };
        // SAFETY: the mid-layer has a reference to the device that it passes, for the call.
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
        __sdev: *mut bindings::scsi_device,
        _disk: *mut kernel::bindings::gendisk,
        capacity: kernel::bindings::sector_t,
        parameters: *mut c_int,
    ) -> c_int {
        let Geometry { heads, sectors } = T::geometry(capacity);
        let track = u64::from(heads).saturating_mul(u64::from(sectors)).max(1);
        let values = [u64::from(heads), u64::from(sectors), capacity / track];
        for (index, value) in values.into_iter().enumerate() {
            let value = c_int::try_from(value).unwrap_or(c_int::MAX);
            // SAFETY: `scsicam` and `sd_getgeo` pass an array of three ints, and `index` is below three.
            unsafe { parameters.add(index).write(value) };
        }
        0
    }

    pub(super) const TEMPLATE: bindings::scsi_host_template = {
        let mut template: bindings::scsi_host_template = pin_init::zeroed();
        // CAST: a driver's private data is far smaller than 4 GiB.
        // A scatter list follows at once.
        template.cmd_size = core::mem::size_of::<Area<T::CommandData>>()
            .next_multiple_of(core::mem::align_of::<kernel::bindings::scatterlist>())
            as u32;
        template.name = as_char_ptr_in_const_context(T::NAME);
        template.proc_name = as_char_ptr_in_const_context(T::NAME);
        template.this_id = -1;
        template.queuecommand = Some(Self::queue);
        template.change_queue_depth = Some(bindings::scsi_change_queue_depth);
        template.init_cmd_priv = Some(Self::init_command);
        template.exit_cmd_priv = Some(Self::exit_command);
        if T::HAS_COMMIT {
            template.commit_rqs = Some(Self::commit);
        }
        template.eh_timed_out = Some(error_handler::eh_timed_out::<T>);
        if T::HAS_ABORT {
            template.eh_abort_handler = Some(error_handler::eh_abort::<T>);
        }
        if T::HAS_RESET_DEVICE {
            template.eh_device_reset_handler = Some(error_handler::eh_device_reset::<T>);
        }
        if T::HAS_RESET_TARGET {
            template.eh_target_reset_handler = Some(error_handler::eh_target_reset::<T>);
        }
        if T::HAS_RESET_BUS {
            template.eh_bus_reset_handler = Some(error_handler::eh_bus_reset::<T>);
        }
        template.eh_host_reset_handler = Some(error_handler::eh_host_reset::<T>);
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
