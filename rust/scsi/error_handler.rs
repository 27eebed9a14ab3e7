// SPDX-License-Identifier: GPL-2.0

//! What error handling calls: the timeout of a command, the steps of recovery, commands of its own.
//!
//! By what these functions return, the mid-layer ends commands or retries them; none of them lets it do so
//! with a command that the driver still has.
//!
//! Source: `drivers/scsi/scsi_error.c`.

use super::address::Scope;
use super::callbacks::Callbacks;
use super::command::{
    area_of,
    TimedOut, //
};
use super::device::Device;
use super::host::{
    bound_device,
    driver_of,
    Gate, //
};
use super::ownership::Verdict;
use super::status::{
    HostByte,
    Status, //
};
use super::template::{
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
use kernel::time::{
    Delta,
    Instant,
    Monotonic, //
};
use storage::rcu::ReadSide;

/// How often a host reset looks whether a command that is still outstanding has been completed.
const LEFT_POLL: Delta = Delta::from_millis(10);

/// How long a host reset waits for commands that other threads are just completing; what the in-flight
/// table has then is ended with an error.
const LEFT_TIMEOUT: Delta = Delta::from_secs(5);

/// How often a command is named that a call of the driver's is completing, and has not in all that time.
const LEFT_REPORT: Delta = Delta::from_secs(60);

/// The block layer's timeout.
///
/// # Safety
///
/// Called by the mid-layer for a command of a registered host of `T` that was queued.
pub(super) unsafe extern "C" fn eh_timed_out<T: LowLevelDriver>(
    raw: *mut bindings::scsi_cmnd,
) -> bindings::scsi_timeout_action {
    // SAFETY: the area was initialised with the request, and stays while the request does, of which the
    // timeout has a reference; it is only shared.
    let area = unsafe { &*area_of::<T>(raw) };
    let timed_out = area.owner.time_out();
    area.begin_grace_period();
    let verdict = match timed_out {
        // SAFETY: this function's own requirement, which the mid-layer keeps.
        Ok(()) => match unsafe { ask::<T>(raw) } {
            TimeoutAction::Extend => area.owner.extend(),
            TimeoutAction::Completed | TimeoutAction::Escalate => area.owner.escalate(),
        },
        Err(verdict) => verdict,
    };
    match verdict {
        Verdict::Outstanding | Verdict::Rejected => {
            bindings::scsi_timeout_action_SCSI_EH_RESET_TIMER
        }
        // One that has just ended is completed by `scsi_done`, or by the abort, whichever is first. (With
        // `io-timeout-fail` the block layer has discarded the completion, which must not keep the command.)
        Verdict::Escalated | Verdict::Idle => bindings::scsi_timeout_action_SCSI_EH_NOT_HANDLED,
        Verdict::Late => {
            // SAFETY: the function wants a command whose request is outstanding: the owner has not ended it, see
            // `Ownership`, and the timeout has a reference to it, and runs once at a time for a request.
            unsafe { bindings::storage_scsi_done_at_timeout(raw) };
            bindings::scsi_timeout_action_SCSI_EH_DONE
        }
    }
}

/// Asks the driver what to do about a timeout.
///
/// # Safety
///
/// As [`eh_timed_out`].
unsafe fn ask<T: LowLevelDriver>(raw: *mut bindings::scsi_cmnd) -> TimeoutAction {
    if !T::HAS_TIMED_OUT {
        return TimeoutAction::Escalate;
    }
    // SAFETY: the mid-layer passes a command, which has its device, and the device its host.
    let shost = unsafe { (*(*raw).device).host };
    // SAFETY: the host is registered: a removal waits for the command's request, which has not ended.
    let (driver, dev) = unsafe { (driver_of::<T>(shost), bound_device(shost)) };
    // SAFETY: the command is not null, and stays allocated during the call: the timeout has a reference to
    // its request.
    let command = unsafe { timed_out(raw) };
    driver.timed_out(dev, &command)
}

/// The command that C passes.
///
/// # Safety
///
/// `raw` is not null, and is as in the invariant of [`TimedOut`].
unsafe fn timed_out<'a, T: LowLevelDriver>(raw: *mut bindings::scsi_cmnd) -> TimedOut<'a, T> {
    // SAFETY: the caller promises that it is not null.
    let raw = unsafe { NonNull::new_unchecked(raw) };
    // SAFETY: the caller promises the invariant.
    unsafe { TimedOut::from_raw(raw) }
}

/// A command of error handling's own: START UNIT, TEST UNIT READY, REQUEST SENSE, in the memory of a
/// command that has failed.
///
/// If it succeeds, the mid-layer ends all commands of the unit that have failed or timed out;
/// after START UNIT (`scsi_eh_stu`) it does so without a step of recovery before. So it must not get
/// to the unit while the driver has one of those. Sleeps.
///
/// # Safety
///
/// `raw` is a command of the registered host of `driver`, which error handling's thread has called
/// `queuecommand` with, and its area is initialised.
#[cold]
pub(super) unsafe fn queue<T: LowLevelDriver>(
    driver: &T,
    dev: &device::Device<Bound>,
    raw: NonNull<bindings::scsi_cmnd>,
) -> bindings::scsi_qc_status {
    // SAFETY: a command of a registered host has its device; it stays allocated during the call.
    if let Some(tag) = unsafe { Held::<T>::find(raw.as_ptr(), Scope::Device) } {
        dev_info!(
            dev,
            "tag {} is still outstanding, error handling may not use its logical unit\n",
            tag
        );
        let status = Status::host(HostByte::Error);
        // SAFETY: error handling, which this is called by, has the command, and waits for the answer.
        unsafe { (*raw.as_ptr()).result = status.as_result() };
        // SAFETY: as above; the driver was not given the command, so this is the only answer.
        unsafe { bindings::scsi_done(raw.as_ptr()) };
        return 0;
    }
    // What has just ended a timed-out command may not have told the mid-layer yet, see `Ownership`.
    storage::rcu::synchronize();
    let _section = kernel::sync::rcu::read_lock();
    // SAFETY: the caller promises all of it but the section, which is open.
    unsafe { Callbacks::start(driver, dev, raw) }
}

/// Runs one step of recovery and checks its claim: the mid-layer ends all commands in the step's scope
/// when it succeeds, so the step fails if the driver still has one of them.
///
/// # Safety
///
/// Called by the mid-layer with a command that is as in the invariant of [`TimedOut`]; one of a tag set if
/// the scope is a command.
unsafe fn step<T: LowLevelDriver>(
    raw: *mut bindings::scsi_cmnd,
    scope: Scope,
    what: fn(&T, &device::Device<Bound>, &TimedOut<'_, T>) -> Recovery,
) -> c_int {
    // SAFETY: a command has its device, to which the mid-layer has a reference for the call; the device's
    // host was made by `Builder::new` for `T`, whose callback this is.
    let Some(gate) = (unsafe { Gate::<T>::enter(raw) }) else {
        // The host was removed while the caller held on to one of its devices.
        return bindings::scsi_disposition_FAILED as c_int;
    };
    // SAFETY: C passes a command, never null, which stays allocated during the call.
    let command = unsafe { timed_out(raw) };
    let claim = match what(gate.driver(), gate.device(), &command) {
        Recovery::Success => bindings::scsi_disposition_SUCCESS,
        Recovery::Failed => bindings::scsi_disposition_FAILED,
    };
    // SAFETY: as for the gate; the command stays allocated.
    if unsafe { Held::<T>::find(raw, scope) }.is_some() {
        // CAST: the codes are small constants; C returns them as int.
        return bindings::scsi_disposition_FAILED as c_int;
    }
    // Whoever has just ended a command may not have told the mid-layer yet, see `Ownership`.
    // SAFETY: the command stays allocated during the call; whoever calls has set the field.
    let submitter = unsafe { (*raw).submitter };
    if scope == Scope::Command
        && submitter == bindings::scsi_cmnd_submitter_SUBMITTED_BY_BLOCK_LAYER
    {
        // SAFETY: the block layer's commands have an area, which was initialised with the request and
        // stays while the request does; it is only shared.
        unsafe { &*area_of::<T>(raw) }.wait_for_reports();
    } else {
        storage::rcu::synchronize();
    }
    // CAST: as above.
    claim as c_int
}

/// # Safety
///
/// Called by the mid-layer with a command that has timed out, or that it has queued itself.
pub(super) unsafe extern "C" fn eh_abort<T: LowLevelDriver>(
    raw: *mut bindings::scsi_cmnd,
) -> c_int {
    // SAFETY: both kinds of command are of the tag set, and stay allocated until the mid-layer ends them,
    // which it does after the call.
    unsafe { step(raw, Scope::Command, T::abort) }
}

/// # Safety
///
/// Called by the mid-layer with a command that has failed or timed out, or with that of a reset that user
/// space asks for.
pub(super) unsafe extern "C" fn eh_device_reset<T: LowLevelDriver>(
    raw: *mut bindings::scsi_cmnd,
) -> c_int {
    // SAFETY: both kinds stay allocated during the call; `scsi_ioctl_reset` allocates `cmd_size` zeros.
    unsafe { step(raw, Scope::Device, T::reset_device) }
}

/// # Safety
///
/// As [`eh_device_reset`].
pub(super) unsafe extern "C" fn eh_target_reset<T: LowLevelDriver>(
    raw: *mut bindings::scsi_cmnd,
) -> c_int {
    // SAFETY: as in `eh_device_reset`.
    unsafe { step(raw, Scope::Target, T::reset_target) }
}

/// # Safety
///
/// As [`eh_device_reset`].
pub(super) unsafe extern "C" fn eh_bus_reset<T: LowLevelDriver>(
    raw: *mut bindings::scsi_cmnd,
) -> c_int {
    // SAFETY: as in `eh_device_reset`.
    unsafe { step(raw, Scope::Channel, T::reset_bus) }
}

/// # Safety
///
/// As [`eh_device_reset`].
pub(super) unsafe extern "C" fn eh_host_reset<T: LowLevelDriver>(
    raw: *mut bindings::scsi_cmnd,
) -> c_int {
    // SAFETY: as in `eh_device_reset`.
    let code = unsafe { step(raw, Scope::Host, T::reset_host) };
    // SAFETY: the command stays allocated during the call; whoever calls has set the field.
    let submitter = unsafe { (*raw).submitter };
    // After a reset that user space asks for the mid-layer ends nothing, and commands come again: one that
    // has timed out since is in hardware, and is not to be ended here.
    if submitter != bindings::scsi_cmnd_submitter_SUBMITTED_BY_SCSI_RESET_IOCTL {
        // SAFETY: as in `eh_device_reset`.
        unsafe { settle::<T>(raw) };
    }
    code
}

/// The end of the last step: the mid-layer ends the commands next, whatever the step has answered. Sleeps
/// until the driver has none of them. No other command may come meanwhile.
///
/// The driver's reset, whatever it has answered, has taken the commands from the hardware, and other
/// threads get the time to complete what they hold. What is in the table after that was forgotten there. As
/// the hardware may still have it, the device loses bus mastering first, so that it cannot write to memory that
/// is in other use by then; then the command is ended with an error, and the driver is told, which posts
/// nothing any more. Nothing can be forgotten elsewhere, see [`Done`](super::Done): what is not in the table is
/// in the hands of a call that has to complete it, and which is named.
///
/// # Safety
///
/// As [`eh_device_reset`].
unsafe fn settle<T: LowLevelDriver>(raw: *mut bindings::scsi_cmnd) {
    // SAFETY: as in `step`.
    let Some(gate) = (unsafe { Gate::<T>::enter(raw) }) else {
        return;
    };
    let mut since = Instant::<Monotonic>::now();
    let mut patience = LEFT_TIMEOUT;
    // SAFETY: as in `step`.
    while let Some(tag) = unsafe { Held::<T>::find(raw, Scope::Host) } {
        if since.elapsed() < patience {
            kernel::time::delay::fsleep(LEFT_POLL);
            continue;
        }
        let table = gate.driver().in_flight();
        // Without a way to stop DMA the command has to wait for the hardware.
        let flight = table.flight(tag);
        if let Some(flight) = flight.filter(|_| storage::pci::stop_dma(gate.device()).is_ok()) {
            let section = kernel::sync::rcu::read_lock();
            let ended = table.land(ReadSide::of(&section), flight, |command| {
                command.complete(Status::host(HostByte::Error))
            });
            drop(section);
            if ended {
                dev_err!(
                    gate.device(),
                    "tag {} is still outstanding after a host reset: DMA is stopped, the command ends with an error\n",
                    tag
                );
            }
            gate.driver().dma_stopped(gate.device());
            continue;
        }
        dev_err!(
            gate.device(),
            "tag {} is outstanding after a host reset, and cannot be ended from the in-flight table; waiting\n",
            tag
        );
        since = Instant::now();
        patience = LEFT_REPORT;
    }
    storage::rcu::synchronize();
}

/// Looks for a command that error handling has, or is about to end, and that the driver has too.
struct Held<T: LowLevelDriver> {
    victim: *mut bindings::scsi_cmnd,
    scope: Scope,
    found: Option<u32>,
    _driver: PhantomData<fn() -> T>,
}

impl<T: LowLevelDriver> Held<T> {
    /// The tag of one such command in the scope of a step for `victim`, if there is any. Any context.
    ///
    /// # Safety
    ///
    /// `victim` is a command of a host of `T`, with a device, or one as in the invariant of [`TimedOut`],
    /// and stays allocated during the call.
    unsafe fn find(victim: *mut bindings::scsi_cmnd, scope: Scope) -> Option<u32> {
        let mut held = Self {
            victim,
            scope,
            found: None,
            _driver: PhantomData,
        };
        // SAFETY: a command has its device, and the device its host.
        let shost = unsafe { (*(*victim).device).host };
        let data = core::ptr::from_mut(&mut held).cast();
        // SAFETY: the host has its tag set: it is registered, as the caller is in a call for a command of it,
        // or inside its gate. `look` is given `held`, which outlives the call.
        unsafe { bindings::scsi_host_busy_iter(shost, Some(Self::look), data) };
        held.found
    }

    /// # Safety
    ///
    /// Called for a busy command of the host with the data that [`Self::find`] passes.
    unsafe extern "C" fn look(raw: *mut bindings::scsi_cmnd, data: *mut c_void) -> bool {
        // SAFETY: `find` passes itself, and uses it again when the iteration is over.
        let held = unsafe { &mut *data.cast::<Self>() };
        // SAFETY: a busy command stays allocated; C sets bits of its state meanwhile.
        let state = unsafe { (&raw const (*raw).state).read_volatile() };
        // The bit is set when a command has failed or timed out, before error handling gets it.
        if state & (1 << bindings::SCMD_STATE_COMPLETE) == 0 {
            return true;
        }
        // SAFETY: a busy command has its device, and so has the victim; both have a reference to it.
        let (device, victim) = unsafe {
            (
                Device::from_raw((*raw).device),
                Device::from_raw((*held.victim).device),
            )
        };
        let in_scope = core::ptr::eq(raw, held.victim)
            || held.scope.covers(victim.address(), device.address());
        // SAFETY: a busy command is of the tag set, and stays allocated during the call.
        let command = unsafe { TimedOut::<T>::from_raw(NonNull::new_unchecked(raw)) };
        if in_scope && command.is_outstanding() {
            held.found = Some(command.tag());
        }
        held.found.is_none()
    }
}
