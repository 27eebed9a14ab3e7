// SPDX-License-Identifier: GPL-2.0
// error: E0063 missing field `protection` in initializer of `Discovery`

//! A host whose protection is to be found out later.

use storage_scsi::{
    Discovery,
    Limits,
    ProtectionCaps, //
};

pub fn describe(limits: Limits, protection: ProtectionCaps) -> Discovery {
    Discovery {
        limits,
        #[cfg(not(mistake))]
        protection,
    }
}
