// SPDX-License-Identifier: GPL-2.0

//! The functions that the mid-layer calls, and the constant part of the host template.
//!
//! C header: [`include/scsi/scsi_host.h`](srctree/include/scsi/scsi_host.h)

use super::command::{
    area_of,
    is_outstanding,
    Area,
    Command,
    TimedOut, //
};
use super::device::Device;
use super::host::{
    bound_device,
    driver_of,
    Gate, //
};
use super::template::{
    Geometry,
    LowLevelDriver,
    Recovery,
    TimeoutAction, //
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
use kernel::time::Delta;

/// The callbacks that C calls, and the constant part of the tables.
pub(super) struct Callbacks<T: LowLevelDriver>(PhantomData<fn() -> T>);

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
        // The block layer calls inside a read-side section, error handling with its own commands does not.
        // SAFETY: by this function's contract.
        let submitter = unsafe { (*raw.as_ptr()).submitter };
        let _section = (submitter != bindings::scsi_cmnd_submitter_SUBMITTED_BY_BLOCK_LAYER)
            .then(kernel::sync::rcu::read_lock);
        // SAFETY: by this function's contract.
        let command = unsafe { Command::from_mid_layer(raw) };
        match driver.queue(dev, command) {
            Ok(()) => 0,
            Err(rejected) => rejected.release(raw),
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
    /// Called once for each command of the tag set and each queue's flush request, whose area is not
    /// initialised.
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
            TimeoutAction::Completed => bindings::scsi_timeout_action_SCSI_EH_DONE,
            TimeoutAction::Escalate => bindings::scsi_timeout_action_SCSI_EH_NOT_HANDLED,
            TimeoutAction::Extend => bindings::scsi_timeout_action_SCSI_EH_RESET_TIMER,
        }
    }

    /// Runs one step of the ladder and checks its claim: the mid-layer ends all commands in the step's
    /// scope when it succeeds, so a driver that still has one of them is not believed.
    ///
    /// # Safety
    ///
    /// Called by error handling for a command of a registered host of `T`.
    unsafe fn step(
        raw: *mut bindings::scsi_cmnd,
        scope: Scope,
        what: fn(&T, &device::Device<Bound>, &TimedOut<'_, T>) -> Recovery,
    ) -> c_int {
        // SAFETY: a command has its device, and the device its host, made for `T`.
        let Some(gate) = (unsafe { Gate::<T>::enter(raw) }) else {
            // The host was removed while the caller held on to one of its devices.
            return bindings::scsi_disposition_FAILED as c_int;
        };
        // SAFETY: the command stays allocated during the call.
        let command = unsafe { timed_out(raw) };
        let claim = match what(gate.driver(), gate.device(), &command) {
            Recovery::Success => bindings::scsi_disposition_SUCCESS,
            Recovery::FastFail => bindings::scsi_disposition_FAST_IO_FAIL,
            Recovery::Failed => bindings::scsi_disposition_FAILED,
        };
        // SAFETY: as above.
        let held = unsafe { Held::<T>::count(raw, scope) } != 0;
        // Whoever has just given up a command may not have told the mid-layer yet, see `conclude`.
        crate::rcu::synchronize();
        // CAST: the codes are small constants; C returns them as int.
        match held {
            false => claim as c_int,
            true => bindings::scsi_disposition_FAILED as c_int,
        }
    }

    /// # Safety
    ///
    /// See [`Self::step`].
    unsafe extern "C" fn eh_abort(raw: *mut bindings::scsi_cmnd) -> c_int {
        // SAFETY: by this function's contract.
        unsafe { Self::step(raw, Scope::Command, T::abort) }
    }

    /// # Safety
    ///
    /// See [`Self::step`].
    unsafe extern "C" fn eh_device_reset(raw: *mut bindings::scsi_cmnd) -> c_int {
        // SAFETY: by this function's contract.
        unsafe { Self::step(raw, Scope::Device, T::reset_device) }
    }

    /// # Safety
    ///
    /// See [`Self::step`].
    unsafe extern "C" fn eh_target_reset(raw: *mut bindings::scsi_cmnd) -> c_int {
        // SAFETY: by this function's contract.
        unsafe { Self::step(raw, Scope::Target, T::reset_target) }
    }

    /// # Safety
    ///
    /// See [`Self::step`].
    unsafe extern "C" fn eh_bus_reset(raw: *mut bindings::scsi_cmnd) -> c_int {
        // SAFETY: by this function's contract.
        unsafe { Self::step(raw, Scope::Channel, T::reset_bus) }
    }

    /// # Safety
    ///
    /// See [`Self::step`].
    unsafe extern "C" fn eh_host_reset(raw: *mut bindings::scsi_cmnd) -> c_int {
        // SAFETY: by this function's contract.
        let code = unsafe { Self::step(raw, Scope::Host, T::reset_host) };
        // SAFETY: as above.
        unsafe { Self::settle(raw) };
        code
    }

    /// For a driver that cannot reset its host.
    ///
    /// # Safety
    ///
    /// See [`Self::step`].
    unsafe extern "C" fn eh_no_host_reset(raw: *mut bindings::scsi_cmnd) -> c_int {
        // SAFETY: by this function's contract.
        unsafe { Self::settle(raw) };
        bindings::scsi_disposition_FAILED as c_int
    }

    /// The end of the last step of the ladder: waits until the driver has none of the commands.
    ///
    /// # Safety
    ///
    /// See [`Self::step`].
    unsafe fn settle(raw: *mut bindings::scsi_cmnd) {
        // SAFETY: a command has its device, and the device its host, made for `T`.
        let Some(gate) = (unsafe { Gate::<T>::enter(raw) }) else {
            return;
        };
        // The mid-layer ends the commands next, whatever the code. A driver whose
        // other threads are still completing one gets the time for that; one that has lost a command
        // holds up error handling here rather than have it reused under its feet.
        let mut told = false;
        // SAFETY: as above.
        while unsafe { Held::<T>::count(raw, Scope::Host) } != 0 {
            if !told {
                dev_err!(
                    gate.device(),
                    "a host reset returned with commands outstanding\n"
                );
                told = true;
            }
            kernel::time::delay::fsleep(STRAGGLER_POLL);
        }
        crate::rcu::synchronize();
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
            // SAFETY: by this function's contract there is room for three.
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
        // Never none: it is where error handling waits for what a driver still has.
        template.eh_host_reset_handler = Some(if T::HAS_RESET_HOST {
            Self::eh_host_reset
        } else {
            Self::eh_no_host_reset
        });
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

/// Which commands a step of the ladder is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    Command,
    Device,
    Target,
    Channel,
    Host,
}

/// Counts the commands that error handling owns and the driver still has.
struct Held<T: LowLevelDriver> {
    victim: *mut bindings::scsi_cmnd,
    scope: Scope,
    count: u32,
    _driver: PhantomData<fn() -> T>,
}

impl<T: LowLevelDriver> Held<T> {
    /// # Safety
    ///
    /// `victim` is a command of a registered host of `T` and stays allocated during the call.
    unsafe fn count(victim: *mut bindings::scsi_cmnd, scope: Scope) -> u32 {
        let mut held = Self {
            victim,
            scope,
            count: 0,
            _driver: PhantomData,
        };
        // SAFETY: a command has its device, and the device its host.
        let shost = unsafe { (*(*victim).device).host };
        let data = core::ptr::from_mut(&mut held).cast();
        // SAFETY: the callback is given `held`, which outlives the call.
        unsafe { bindings::scsi_host_busy_iter(shost, Some(Self::look), data) };
        held.count
    }

    /// # Safety
    ///
    /// Called for a busy command of the host with the data that [`Self::count`] passes.
    unsafe extern "C" fn look(raw: *mut bindings::scsi_cmnd, data: *mut c_void) -> bool {
        // SAFETY: by this function's contract.
        let held = unsafe { &mut *data.cast::<Self>() };
        // SAFETY: a busy command stays allocated; C sets bits of its state meanwhile.
        let state = unsafe { (&raw const (*raw).state).read_volatile() };
        // SAFETY: a busy command keeps its device, and so does the victim.
        let (device, victim) = unsafe {
            (
                Device::from_raw((*raw).device),
                Device::from_raw((*held.victim).device),
            )
        };
        let (at, there) = (device.address(), victim.address());
        let in_scope = match held.scope {
            Scope::Command => core::ptr::eq(raw, held.victim),
            Scope::Device => core::ptr::eq(device, victim),
            Scope::Target => at.channel == there.channel && at.id == there.id,
            Scope::Channel => at.channel == there.channel,
            Scope::Host => true,
        };
        // The bit is set when a command times out, before error handling gets it.
        let timed_out = state & (1 << bindings::SCMD_STATE_COMPLETE) != 0;
        // SAFETY: as above; the area of a busy command is initialised.
        if in_scope && timed_out && unsafe { is_outstanding::<T>(raw) } {
            held.count += 1;
        }
        true
    }
}
