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
    /// Inbound doorbell: orders to the firmware as a whole, see [`order`].
    ///
    /// [`order`]: crate::handshake::order
    pub(crate) IDB(u32) @ 0x20 {
        31:0 orders;
    }

    /// Outbound interrupt status, see [`Model::cause`].
    ///
    /// [`Model::cause`]: crate::model::Model::cause
    pub(crate) OSTS(u32) @ 0x30 {
        31:0 causes;
    }

    /// Outbound interrupt mask, see [`Model::interrupt_mask`]. QEMU takes all ones for a soft reset too, and
    /// anything else for all interrupts on.
    ///
    /// [`Model::interrupt_mask`]: crate::model::Model::interrupt_mask
    pub(crate) OMSK(u32) @ 0x34 {
        31:0 mask;
    }

    /// Inbound queue port: the address of a frame, and how many units follow its first. The doorbell: see
    /// [`post_frame`].
    IQP(u32) @ 0x40 {
        31:0 frame;
    }

    /// Outbound doorbell clear: acknowledges the interrupts whose bits are set.
    pub(crate) ODCR0(u32) @ 0xa0 {
        31:0 bits;
    }

    /// Outbound scratch pad: the firmware's state and limits.
    pub(crate) OSP0(u32) @ 0xb0 {
        /// State of the firmware, see [`State`].
        ///
        /// [`State`]: crate::handshake::State
        31:28 state;
        /// MSI-X is there; the same bit announces IEEE scatter lists.
        26:26 msix => bool;
        /// Entries of a scatter list at most.
        23:16 max_sge;
        /// Commands at most.
        15:0 max_commands;
    }

    /// Diagnostic register of the second generation.
    pub(crate) DIAG(u32) @ 0xf8 {
        /// The register is unlocked.
        7:7 writable => bool;
        /// Reset the adapter; set until that is over.
        2:2 reset;
    }

    /// Write sequence: unlocks DIAG.
    pub(crate) SEQ(u32) @ 0xfc {
        7:0 key;
    }
}

/// Rings the doorbell: the only access to the inbound queue port. Any context.
#[inline]
pub(crate) fn post_frame(bar: &Bar<'_>, frame: u32, _posting: Posting<'_>) {
    bar.write_reg(IQP::from(frame));
}

impl OSP0 {
    /// True if nothing answers on the bus: the device is gone.
    pub(crate) fn is_gone(self) -> bool {
        self.into_raw() == u32::MAX
    }
}
