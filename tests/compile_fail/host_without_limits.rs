// SPDX-License-Identifier: GPL-2.0
// error: E0063 missing field `limits` in initializer of `Discovery`

//! A host whose limits are to be found out later.

use storage_scsi::{
    Discovery,
    Limits,
    ProtectionCaps, //
};

pub fn describe(limits: Limits, protection: ProtectionCaps) -> Discovery {
    Discovery {
        #[cfg(not(mistake))]
        limits,
        protection,
    }
}
