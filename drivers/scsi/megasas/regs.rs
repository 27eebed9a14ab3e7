// SPDX-License-Identifier: GPL-2.0

//! The controllers' registers.
//!
//! Source: `megasas_register_set` in `drivers/scsi/megaraid/megaraid_sas.h`.

use crate::adapter::Bar;
use kernel::io::register;
use kernel::io::Io;
use storage::doorbell::Posting;

/// Bytes of the register window that the driver uses.
pub(crate) const SIZE: usize = 0x100;

register! {
    /// Inbound doorbell: orders to the firmware as a whole.
    pub(crate) IDB(u32) @ 0x20 {
        /// Stop the adapter: it goes to FAULT.
        5:5 stop;
        /// Soft reset: forget the queues and go to READY.
        1:1 ready;
        /// Abort all commands.
        0:0 abort;
    }

    /// Outbound interrupt status. Zero unless the legacy line is in use.
    pub(crate) OSTS(u32) @ 0x30 {
        /// A reply was posted, first generation.
        31:31 reply_gen1;
        /// A reply was posted.
        0:0 reply;
    }

    /// Outbound interrupt mask. All ones masks and soft-resets; anything else enables.
    pub(crate) OMSK(u32) @ 0x34 {
        31:0 mask;
    }

    /// Inbound queue port: the address of a frame, and how many units follow its first. The doorbell: see
    /// [`post_frame`].
    IQP(u32) @ 0x40 {
        31:0 frame;
    }

    /// Outbound doorbell clear: acknowledges a legacy interrupt.
    pub(crate) ODCR0(u32) @ 0xa0 {
        31:0 bits;
    }

    /// Outbound scratch pad: the firmware's state and limits.
    pub(crate) OSP0(u32) @ 0xb0 {
        /// State of the firmware, see [`State`].
        31:28 state;
        /// MSI-X is there; the same bit announces IEEE scatter lists.
        26:26 msix => bool;
        /// Entries of a scatter list at most.
        23:16 max_sge;
        /// Commands at most.
        15:0 max_commands;
    }

    /// Diagnostic register: a reset at once, when unlocked.
    pub(crate) DIAG(u32) @ 0xf8 {
        /// Reset.
        2:2 reset;
    }

    /// Write sequence: unlocks DIAG.
    pub(crate) SEQ(u32) @ 0xfc {
        7:0 key;
    }
}

/// Rings the doorbell: the only access to the inbound queue port. Any context.
#[inline]
pub(crate) fn post_frame(bar: &Bar, frame: u32, _posting: Posting<'_>) {
    bar.write_reg(IQP::from(frame));
}

/// The keys that unlock DIAG, in order.
pub(crate) const UNLOCK: [u8; 6] = [0x0, 0x4, 0xb, 0x2, 0x7, 0xd];

/// The state of the firmware, in OSP0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    /// Waits for INIT.
    Ready,
    /// Has its queues.
    Operational,
    /// Has given up; only a reset helps.
    Fault,
    /// On its way to one of the others.
    Other(u8),
}

impl OSP0 {
    /// The state.
    pub(crate) fn firmware_state(self) -> State {
        match self.state().get() {
            0xb => State::Ready,
            0xc => State::Operational,
            0xf => State::Fault,
            // CAST: four bits.
            other => State::Other(other as u8),
        }
    }

    /// True if nothing answers on the bus: the device is gone.
    pub(crate) fn is_gone(self) -> bool {
        self.into_raw() == u32::MAX
    }
}
