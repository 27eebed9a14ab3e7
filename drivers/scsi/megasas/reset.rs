// SPDX-License-Identifier: GPL-2.0

//! The registers for the controller as a whole: interrupt mask and status, and the transition to READY.
//!
//! Source: `megasas_transition_to_ready`, `megasas_adp_reset_gen2`, `megasas_adp_reset_xscale` and the
//! functions for its interrupts in `drivers/scsi/megaraid/megaraid_sas_base.c`.

use crate::adapter::Bar;
use crate::handshake::{
    config,
    order,
    State,
    Step,
    UNLOCK, //
};
use crate::model::{
    Cause,
    Model,
    ALL_MASKED,
    ALL_PENDING, //
};
use crate::regs;
use core::sync::atomic::{
    AtomicBool,
    Ordering, //
};
use kernel::device::{
    Bound,
    Device, //
};
use kernel::io::poll::read_poll_timeout;
use kernel::io::Io;
use kernel::pci;
use kernel::prelude::*;
use kernel::time::delay::fsleep;
use kernel::time::Delta;
use storage::rcu;

/// How often the firmware's state is polled while it changes.
pub(crate) const STATE_POLL: Delta = Delta::from_millis(1);

/// How often the firmware's state may change before READY; a start takes seven steps at most.
const MAX_CHANGES: u32 = 32;

/// How often the diagnostic register is polled.
const DIAG_POLL: Delta = Delta::from_millis(100);

/// How long the diagnostic register may take to be unlocked; then the reset fails.
const UNLOCK_TIMEOUT: Delta = Delta::from_secs(11);

/// How long no register may be read after a reset was begun: reads may fail on the bus meanwhile.
const RESET_QUIET: Delta = Delta::from_secs(10);

/// How long the reset may take after that; then it has failed.
const RESET_TIMEOUT: Delta = Delta::from_secs(100);

/// How long a first-generation controller is left alone after the order to reset.
const RESET_QUIET_GEN1: Delta = Delta::from_secs(3);

/// How long a first-generation controller is left alone after it was released from its reset.
const RELEASE_QUIET_GEN1: Delta = Delta::from_secs(2);

/// How to get to READY.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// By the step that the present state of the firmware requires.
    Handshake,
    /// By a reset of the adapter, which helps in any state and takes seconds.
    AdapterReset,
}

/// Whether an adapter reset runs, in which nobody else accesses the registers: the device may not answer on the
/// bus (`fw_reset_no_pci_access` of the C driver).
pub(crate) struct Quiet(AtomicBool);

impl Quiet {
    pub(crate) const fn new() -> Self {
        Self(AtomicBool::new(false))
    }

    /// Whoever asks inside a read-side section may access the registers until its end if this is false. Any
    /// context.
    #[inline]
    pub(crate) fn is_quiet(&self) -> bool {
        // Acquire pairs with the release in `during`: what is accessed now comes after the reset.
        self.0.load(Ordering::Acquire)
    }

    /// Runs an adapter reset, after those who have found it not to be quiet have done. Sleeps.
    fn during<R>(&self, reset: impl FnOnce() -> R) -> R {
        self.0.store(true, Ordering::Relaxed);
        rcu::synchronize();
        let result = reset();
        self.0.store(false, Ordering::Release);
        result
    }
}

/// A controller that can be reached.
#[derive(Clone, Copy)]
pub(crate) struct Controller<'a> {
    pub(crate) dev: &'a Device<Bound>,
    pub(crate) bar: &'a Bar<'a>,
    pub(crate) model: Model,
    pub(crate) quiet: &'a Quiet,
}

impl Controller<'_> {
    /// Keeps all interrupts away. Any context.
    pub(crate) fn mask_interrupts(self) {
        self.bar.write_reg(regs::OMSK::from(ALL_MASKED));
        // The write has reached the controller when the read is answered.
        let _ = self.bar.read(regs::OMSK);
    }

    /// Forgets interrupts that are pending, and lets new ones come. Any context.
    pub(crate) fn unmask_interrupts(self) {
        self.bar.write_reg(regs::ODCR0::from(ALL_PENDING));
        self.bar
            .write_reg(regs::OMSK::from(self.model.interrupt_mask()));
        // As above.
        let _ = self.bar.read(regs::OMSK);
    }

    /// Acknowledges the controller's interrupt, if it is the controller's. Any context.
    #[inline]
    pub(crate) fn acknowledge(self) -> Option<Cause> {
        let cause = self.model.cause(self.bar.read(regs::OSTS).into_raw())?;
        self.bar.write_reg(regs::ODCR0::from(cause.acknowledge));
        // A line must be low again before the handler returns.
        let _ = self.bar.read(regs::OSTS);
        Some(cause)
    }

    /// Stops the firmware for good: only a reset of the adapter starts it again. Where one runs just now there
    /// is nothing to stop. Any context.
    pub(crate) fn halt(self) {
        let _section = kernel::sync::rcu::read_lock();
        if !self.quiet.is_quiet() {
            self.order(order::STOP);
        }
    }

    /// Takes the firmware from whatever state a previous driver left to READY, where it has no commands and
    /// no queues, with its interrupts masked. `timeout` is for each of the states on the way. Sleeps.
    ///
    /// # Errors
    ///
    /// - `ENODEV` if the device is gone.
    /// - `EIO` if the firmware is in FAULT, or in a state that leads nowhere: only [`Way::AdapterReset`]
    ///   helps.
    /// - `ETIMEDOUT` if a state does not change in `timeout`, or the states go on changing without end.
    pub(crate) fn make_ready(self, way: Way, timeout: Delta) -> Result {
        if way == Way::AdapterReset {
            self.reset_adapter()?;
        }
        for _ in 0..MAX_CHANGES {
            let status = match way {
                Way::Handshake => self.status()?,
                Way::AdapterReset => self.status_after_reset()?,
            };
            match Step::new(status.firmware_state(), way == Way::AdapterReset) {
                Step::Done => {
                    self.mask_interrupts();
                    return Ok(());
                }
                Step::MaskAndOrder(order) => {
                    self.mask_interrupts();
                    self.order(order);
                }
                Step::Order(order) => self.order(order),
                Step::Wait => {}
                Step::Stuck => {
                    dev_err!(self.dev, "firmware stopped: {:#010x}\n", status.into_raw());
                    return Err(EIO);
                }
            }
            let left = |now: &regs::OSP0| now.into_raw() != status.into_raw();
            read_poll_timeout(|| Ok(self.bar.read(regs::OSP0)), left, STATE_POLL, timeout)?;
        }
        Err(ETIMEDOUT)
    }

    fn order(self, order: u32) {
        self.bar.write_reg(regs::IDB::from(order));
    }

    fn status(self) -> Result<regs::OSP0> {
        match self.bar.read(regs::OSP0) {
            status if status.is_gone() => Err(ENODEV),
            status => Ok(status),
        }
    }

    /// As [`Controller::status`], after an adapter reset. All ones are no proof then that the device is gone: its
    /// registers may not answer yet. As the C driver does, they are taken for FAULT, which is waited out, unless
    /// the configuration space does not answer either.
    fn status_after_reset(self) -> Result<regs::OSP0> {
        let status = self.bar.read(regs::OSP0);
        if status.is_gone() && self.is_unplugged() {
            return Err(ENODEV);
        }
        Ok(status)
    }

    /// True if the configuration space does not answer: a device that is there has its vendor's id in it, which
    /// is never all ones. A device has to answer there one second after a reset (PCI Express Base
    /// Specification, 6.6.1). Any context.
    fn is_unplugged(self) -> bool {
        <&pci::Device<Bound>>::try_from(self.dev)
            .is_ok_and(|dev| dev.config_space().read16(config::VENDOR) == u16::MAX)
    }

    /// Restarts the firmware. Sleeps, for seconds.
    ///
    /// # Errors
    ///
    /// - `ENODEV` if the device is gone.
    /// - `ETIMEDOUT` if the reset cannot be begun, or does not end.
    fn reset_adapter(self) -> Result {
        self.status()?;
        dev_warn!(self.dev, "resetting the adapter\n");
        self.mask_interrupts();
        self.quiet.during(|| match self.model {
            Model::Gen1 => self.reset_gen1(),
            Model::Gen2 => self.reset_gen2(),
        })
    }

    /// Waits until a bit of the diagnostic register has a value. All ones are none: as in the C driver, a
    /// register that does not answer yet gets the whole time, but for a device that was pulled out.
    fn wait_diag(self, done: impl Fn(&regs::DIAG) -> bool, timeout: Delta) -> Result<regs::DIAG> {
        let read = || match self.bar.read(regs::DIAG) {
            diag if diag.into_raw() == u32::MAX && self.is_unplugged() => Err(ENODEV),
            diag => Ok(diag),
        };
        let done = |diag: &regs::DIAG| diag.into_raw() != u32::MAX && done(diag);
        read_poll_timeout(read, done, DIAG_POLL, timeout)
    }

    fn reset_gen2(self) -> Result {
        for key in UNLOCK {
            self.bar.write_reg(regs::SEQ::zeroed().with_key(key));
        }
        let diag = self.wait_diag(|diag| diag.writable(), UNLOCK_TIMEOUT)?;
        self.bar.write_reg(diag.with_const_reset::<1>());
        fsleep(RESET_QUIET);
        let ended = |diag: &regs::DIAG| diag.reset().get() == 0;
        self.wait_diag(ended, RESET_TIMEOUT)?;
        Ok(())
    }

    fn reset_gen1(self) -> Result {
        self.order(order::ADAPTER_RESET);
        fsleep(RESET_QUIET_GEN1);
        let space = <&pci::Device<Bound>>::try_from(self.dev)?.config_space();
        if let Some(released) = config::release(space.read32(config::CONTROL)) {
            space.write32(released, config::CONTROL);
            fsleep(RELEASE_QUIET_GEN1);
            if config::is_ready(space.read32(config::HANDSHAKE)) {
                space.write32(0, config::HANDSHAKE);
            }
        }
        Ok(())
    }
}

impl regs::OSP0 {
    /// The state of the firmware.
    pub(crate) fn firmware_state(self) -> State {
        State::from_scratch_pad(self.into_raw())
    }
}
