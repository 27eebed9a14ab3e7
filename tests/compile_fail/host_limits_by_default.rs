// SPDX-License-Identifier: GPL-2.0
// error: E0599 named `default` found for struct `Limits`

//! Limits that nobody has asked the firmware for.

use storage_scsi::Limits;

pub fn limits(firmware: Limits) -> Limits {
    #[cfg(mistake)]
    let rest = Limits::default();
    #[cfg(not(mistake))]
    let rest = firmware;
    Limits {
        can_queue: firmware.can_queue,
        ..rest
    }
}
