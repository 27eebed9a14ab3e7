// SPDX-License-Identifier: GPL-2.0
// error: E0423 cannot initialize a tuple struct which contains private fields

//! Protection capabilities out of thin air.

use storage_scsi::{
    Discovery,
    Limits,
    ProtectionCaps, //
};

pub fn describe(limits: Limits) -> Discovery {
    Discovery {
        limits,
        #[cfg(mistake)]
        protection: ProtectionCaps(0x11),
        #[cfg(not(mistake))]
        protection: ProtectionCaps::none(),
    }
}
