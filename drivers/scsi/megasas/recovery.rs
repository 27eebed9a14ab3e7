// SPDX-License-Identifier: GPL-2.0

//! Error handling: what each step of the ladder does.

use crate::adapter::{
    Adapter,
    Health, //
};
use crate::dcmd::{
    Mbox,
    Opcode, //
};
use crate::firmware::RECOVERY_TIMEOUT;
use crate::reset::Way;
use crate::status::{
    TargetAddress,
    TargetKind, //
};
use core::sync::atomic::Ordering;
use kernel::device::{
    Bound,
    Device, //
};
use kernel::prelude::*;
use kernel::time::Delta;
use storage::rcu;
use storage_scsi::{
    HostByte,
    Recovery,
    Status,
    TimedOut,
    TimeoutAction, //
};

/// How long the answers of aborted commands may take after the abort itself was answered.
const ABORTED_TIMEOUT: Delta = Delta::from_secs(5);

/// Attempts to bring the firmware back in one host reset; after them the adapter is given up.
const ATTEMPTS: [Way; 3] = [Way::Handshake, Way::AdapterReset, Way::AdapterReset];

impl Adapter {
    /// A command's time is over: its answer may stand in the ring without an interrupt having told, or
    /// the device may be gone. Else fewer commands are sent from now on.
    pub(crate) fn on_timeout(
        &self,
        dev: &Device<Bound>,
        command: &TimedOut<'_, Self>,
    ) -> TimeoutAction {
        let tag = command.tag();
        let before = self.in_flight.flight(tag);
        self.drain_here(dev);
        if before.is_some() && self.in_flight.flight(tag) != before {
            dev_warn!(dev, "tag {} was answered without an interrupt\n", tag);
            return TimeoutAction::Completed;
        }
        if self.is_gone(dev) {
            dev_err!(dev, "the device no longer responds\n");
            self.kill(dev);
        } else if self.settings.throttle_depth != 0 {
            command.device().throttle(self.settings.throttle_depth);
        }
        TimeoutAction::Escalate
    }

    /// MFI ABORT; the firmware answers the victim too, as failed.
    pub(crate) fn on_abort(&self, dev: &Device<Bound>, command: &TimedOut<'_, Self>) -> Recovery {
        let tag = command.tag();
        let Some(victim) = self.in_flight.flight(tag) else {
            return Recovery::Success;
        };
        if let Err(error) = self.abort_frame(dev, victim) {
            dev_warn!(dev, "abort of tag {} failed: {:?}\n", tag, error);
            return Recovery::Failed;
        }
        if self.wait_until(dev, ABORTED_TIMEOUT, || {
            self.in_flight.flight(tag) != Some(victim)
        }) {
            dev_info!(dev, "tag {} aborted\n", tag);
            Recovery::Success
        } else {
            Recovery::Failed
        }
    }

    /// CLUSTER_RESET_LD; the firmware answers all commands of the logical drive, as failed.
    pub(crate) fn on_device_reset(
        &self,
        dev: &Device<Bound>,
        command: &TimedOut<'_, Self>,
    ) -> Recovery {
        let at = command.device().address();
        let target = match TargetAddress::from_scsi(at.channel, at.id, at.lun) {
            Some(target) if target.kind() == TargetKind::Logical => target.target(),
            // There is no reset for a physical drive.
            _ => return Recovery::Failed,
        };
        let mbox = Mbox::from_u16(u16::from(target));
        let opcode = Opcode::CLUSTER_RESET_LD;
        if let Err(error) = self.dcmd(dev, opcode, mbox, &mut [], RECOVERY_TIMEOUT) {
            dev_warn!(
                dev,
                "reset of logical drive {} failed: {:?}\n",
                target,
                error
            );
            return Recovery::Failed;
        }
        dev_info!(dev, "logical drive {} reset\n", target);
        if self.wait_until(dev, ABORTED_TIMEOUT, || !command.is_outstanding()) {
            Recovery::Success
        } else {
            Recovery::Failed
        }
    }

    /// Resets the controller and gives back every command. Where the firmware does not want that while it has
    /// commands, it is stopped for good, as the C driver does: their memory must come back.
    pub(crate) fn on_host_reset(&self, dev: &Device<Bound>) -> Recovery {
        let _recovering = self.recovering.lock();
        if self.no_online_reset.load(Ordering::Relaxed) && self.is_operational() {
            if self.in_flight.is_empty() {
                return Recovery::Success;
            }
            dev_err!(dev, "the firmware supports no reset; the adapter is dead\n");
            self.halt(dev);
            return Recovery::Failed;
        }
        if !self.set_resetting() {
            self.fail_all(HostByte::NoConnect);
            return Recovery::Failed;
        }
        let count = self.resets.fetch_add(1, Ordering::Relaxed) + 1;
        dev_warn!(dev, "host reset {}\n", count);
        // Whoever has found the adapter operational has rung the doorbell after this.
        rcu::synchronize();
        let mut outcome = Err(EIO);
        for way in ATTEMPTS {
            outcome = self.bring_up(dev, way, self.state_timeout()).map(drop);
            match outcome {
                Ok(()) | Err(ENODEV) => break,
                // Given up meanwhile: see `on_dma_stopped`.
                Err(_) if self.health() == Health::Dead => break,
                Err(_) => {}
            }
        }
        match outcome {
            Ok(()) => {
                // The reset was proven by an answer in new queues: the firmware has none of them any more.
                let swept = self.fail_all(HostByte::Reset);
                if !self.set_operational() {
                    return Recovery::Failed;
                }
                dev_info!(dev, "host reset done, {} commands given back\n", swept);
                Recovery::Success
            }
            Err(error) => {
                self.halt(dev);
                dev_err!(dev, "host reset failed: {:?}; the adapter is dead\n", error);
                Recovery::Failed
            }
        }
    }

    /// The device can no longer read frames or write answers: the adapter is given up, whoever waits for an
    /// answer of the firmware is woken, and teardown asks the firmware for nothing.
    pub(crate) fn on_dma_stopped(&self, dev: &Device<Bound>) {
        dev_err!(dev, "DMA is stopped; the adapter is dead\n");
        self.halt(dev);
    }

    /// Stops the firmware and gives the adapter up. Sleeps.
    fn halt(&self, dev: &Device<Bound>) {
        if let Ok(controller) = self.controller(dev) {
            controller.halt();
        }
        self.give_up(dev);
    }

    /// Gives the adapter up: it can no longer write to memory, and all commands are answered. One that is
    /// just being started may be missed: who can sleep calls [`Adapter::give_up`]. Any context.
    pub(crate) fn kill(&self, dev: &Device<Bound>) {
        // In this order: a host reset that finds the adapter dead answers all commands at once.
        if storage::pci::stop_dma(dev).is_err() {
            dev_err!(dev, "DMA could not be stopped\n");
        }
        self.set_dead();
        self.mailbox.release_after_reset();
        self.fail_all(HostByte::NoConnect);
    }

    /// As [`Adapter::kill`], and waits for commands that are just being started. Sleeps.
    pub(crate) fn give_up(&self, dev: &Device<Bound>) {
        self.kill(dev);
        rcu::synchronize();
        self.fail_all(HostByte::NoConnect);
    }

    fn fail_all(&self, byte: HostByte) -> usize {
        self.in_flight
            .sweep(|command| command.complete(Status::host(byte)))
    }
}
