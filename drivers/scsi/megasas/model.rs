// SPDX-License-Identifier: GPL-2.0

//! What differs between the two generations of controllers: where their registers are, and which bits
//! of their interrupt registers mean what.
//!
//! Source: `megasas_enable_intr_ppc`, `megasas_clear_intr_ppc` and the same of `gen2` in
//! `drivers/scsi/megaraid/megaraid_sas_base.c`.

/// A generation of controllers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Model {
    /// 1078: PCI, registers in BAR 0.
    Gen1,
    /// 2108: PCI Express, registers in BAR 1.
    Gen2,
}

/// Masks all interrupts (`megasas_disable_intr_ppc`, `megasas_disable_intr_gen2`).
pub(crate) const ALL_MASKED: u32 = u32::MAX;

/// Acknowledges whatever is pending.
pub(crate) const ALL_PENDING: u32 = u32::MAX;

/// `MFI_REPLY_1078_MESSAGE_INTERRUPT`
const REPLY_GEN1: u32 = 0x8000_0000;

/// `MFI_REPLY_GEN2_MESSAGE_INTERRUPT`
const REPLY_GEN2: u32 = 0x0000_0001;

/// `MFI_G2_OUTBOUND_DOORBELL_CHANGE_INTERRUPT`, of both generations.
const STATE_CHANGE: u32 = 0x0000_0004;

/// Why the controller has raised its interrupt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Cause {
    /// What acknowledges it, for the outbound doorbell clear register: the status itself.
    pub(crate) acknowledge: u32,
    /// The state of the firmware has changed.
    pub(crate) state_change: bool,
}

impl Model {
    /// The BAR with the registers.
    pub(crate) const fn bar(self) -> u32 {
        match self {
            Self::Gen1 => 0,
            Self::Gen2 => 1,
        }
    }

    /// The name of the chip.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Gen1 => "SAS 1078",
            Self::Gen2 => "SAS 2108",
        }
    }

    /// The interrupt mask while interrupts are enabled: a set bit masks an interrupt.
    pub(crate) const fn interrupt_mask(self) -> u32 {
        match self {
            Self::Gen1 => !REPLY_GEN1,
            Self::Gen2 => !(REPLY_GEN2 | STATE_CHANGE),
        }
    }

    /// What the outbound interrupt status says; [`None`] if the interrupt is not the controller's.
    #[inline]
    pub(crate) const fn cause(self, status: u32) -> Option<Cause> {
        let reply = match self {
            Self::Gen1 => REPLY_GEN1,
            Self::Gen2 => REPLY_GEN2,
        };
        // All ones: the device is gone.
        if status == u32::MAX || status & (reply | STATE_CHANGE) == 0 {
            return None;
        }
        Some(Cause {
            acknowledge: status,
            state_change: status & STATE_CHANGE != 0,
        })
    }
}
