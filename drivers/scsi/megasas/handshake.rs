// SPDX-License-Identifier: GPL-2.0

//! The firmware's state machine, and what the driver does in each state on the way to READY.
//!
//! Source: `megasas_transition_to_ready` in `drivers/scsi/megaraid/megaraid_sas_base.c`, `MFI_STATE_*`
//! and `MFI_INIT_*` in `megaraid_sas.h`.

/// The state of the firmware, in the highest four bits of the outbound scratch pad (`MFI_STATE_*`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    /// After power-on or a reset of the adapter.
    Undefined,
    /// The boot block runs.
    BootBlock,
    /// The firmware starts.
    FirmwareInit,
    /// Waits for the driver to clear the handshake.
    WaitHandshake,
    /// The firmware starts, second part.
    FirmwareInit2,
    /// Looks for drives.
    DeviceScan,
    /// Has a message for the operator, and waits for somebody to go on.
    BootMessagePending,
    /// Writes its cache to the drives.
    FlushCache,
    /// Waits for INIT; has no queues.
    Ready,
    /// Has its queues.
    Operational,
    /// Has given up; only a reset of the adapter helps.
    Fault,
    /// A state of other firmware.
    Unknown(u8),
}

impl State {
    /// The state of a scratch pad's value.
    pub(crate) const fn from_scratch_pad(value: u32) -> Self {
        match value >> 28 {
            0x0 => Self::Undefined,
            0x1 => Self::BootBlock,
            0x4 => Self::FirmwareInit,
            0x6 => Self::WaitHandshake,
            0x7 => Self::FirmwareInit2,
            0x8 => Self::DeviceScan,
            0x9 => Self::BootMessagePending,
            0xa => Self::FlushCache,
            0xb => Self::Ready,
            0xc => Self::Operational,
            0xf => Self::Fault,
            // CAST: four bits are left.
            other => Self::Unknown(other as u8),
        }
    }
}

/// Orders in the inbound doorbell (`MFI_INIT_*`, `MFI_RESET_FLAGS`, `MFI_ADP_RESET`).
pub(crate) mod order {
    /// Abort all commands.
    const ABORT: u32 = 0x01;
    /// Go from OPERATIONAL to READY.
    const READY: u32 = 0x02;
    /// Discard frames that were posted in another mode.
    const MFI_MODE: u32 = 0x04;
    /// Clear the handshake.
    const CLEAR_HANDSHAKE: u32 = 0x08;
    /// Go on although there is a message for the operator.
    const HOTPLUG: u32 = 0x10;

    /// In OPERATIONAL: forget all commands and the queues.
    pub(crate) const FORGET: u32 = READY | MFI_MODE | ABORT;
    /// In WAIT_HANDSHAKE.
    pub(crate) const HANDSHAKE: u32 = CLEAR_HANDSHAKE | HOTPLUG;
    /// In BOOT_MESSAGE_PENDING.
    pub(crate) const GO_ON: u32 = HOTPLUG;
    /// Stop: the firmware goes to FAULT and does nothing any more (`MFI_STOP_ADP`).
    pub(crate) const STOP: u32 = 0x20;
    /// Restart the firmware of a first-generation controller (`MFI_ADP_RESET`).
    pub(crate) const ADAPTER_RESET: u32 = 0x40;
}

/// What the driver does in a state. After every step but the last it waits until the state changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    /// Nothing: INIT can be sent.
    Done,
    /// Mask the interrupts, then write the order into the inbound doorbell.
    MaskAndOrder(u32),
    /// Write the order into the inbound doorbell.
    Order(u32),
    /// Nothing: the firmware goes on by itself.
    Wait,
    /// The way to READY does not lead on from here.
    Stuck,
}

impl Step {
    /// The step for a state; `was_reset` says that the adapter has just been reset, and may still show the
    /// state before that.
    pub(crate) const fn new(state: State, was_reset: bool) -> Self {
        match state {
            State::Ready => Self::Done,
            State::Operational => Self::MaskAndOrder(order::FORGET),
            State::WaitHandshake => Self::Order(order::HANDSHAKE),
            State::BootMessagePending => Self::Order(order::GO_ON),
            State::Undefined
            | State::BootBlock
            | State::FirmwareInit
            | State::FirmwareInit2
            | State::DeviceScan
            | State::FlushCache => Self::Wait,
            State::Fault if was_reset => Self::Wait,
            State::Fault | State::Unknown(_) => Self::Stuck,
        }
    }
}

/// The keys that unlock the diagnostic register of the second generation, in order.
pub(crate) const UNLOCK: [u8; 6] = [0x0, 0x4, 0xb, 0x2, 0x7, 0xd];

/// What a first-generation controller shows in two registers of its PCI configuration space after an
/// adapter reset, and what has to be done about it.
///
/// Source: `megasas_adp_reset_xscale`, which is what the C driver uses for the 1078 too.
pub(crate) mod config {
    /// Offset of the vendor's id (`PCI_VENDOR_ID`).
    pub(crate) const VENDOR: usize = 0x00;
    /// Offset of the control and status register (`MFI_1068_PCSR_OFFSET`).
    pub(crate) const CONTROL: usize = 0x84;
    /// Offset of the handshake register (`MFI_1068_FW_HANDSHAKE_OFFSET`).
    pub(crate) const HANDSHAKE: usize = 0x64;

    const HELD: u32 = 0x2;
    const READY: u32 = 0xdddd_0000;
    const SIGNATURE: u32 = 0xffff_0000;

    /// What to write into [`CONTROL`] if the controller is held in reset.
    pub(crate) const fn release(control: u32) -> Option<u32> {
        // All ones: nothing answers.
        if control == u32::MAX || control & HELD == 0 {
            return None;
        }
        Some(control & !HELD)
    }

    /// Whether [`HANDSHAKE`] has to be cleared.
    pub(crate) const fn is_ready(handshake: u32) -> bool {
        handshake & SIGNATURE == READY
    }
}
