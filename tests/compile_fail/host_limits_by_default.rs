// SPDX-License-Identifier: GPL-2.0
// error: E0277 the trait bound `Limits: Default` is not satisfied

//! Limits that nobody has asked the firmware for.

use storage::scsi::Limits;

pub fn limits(firmware: Limits) -> Limits {
    Limits {
        can_queue: firmware.can_queue,
        #[cfg(mistake)]
        ..Default::default()
        #[cfg(not(mistake))]
        ..firmware
    }
}
