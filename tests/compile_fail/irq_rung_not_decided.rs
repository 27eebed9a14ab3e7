// SPDX-License-Identifier: GPL-2.0
// error: E0063 missing field `poll` in initializer of `Rungs`

//! A driver that does not say whether the last rung may be tried.

use storage::irq::Rungs;

pub fn rungs() -> Rungs {
    Rungs {
        msix: true,
        msi: true,
        intx: true,
        #[cfg(not(mistake))]
        poll: true,
    }
}
