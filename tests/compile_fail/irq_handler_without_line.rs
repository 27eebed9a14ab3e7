// SPDX-License-Identifier: GPL-2.0
// error: E0046 not all trait items implemented, missing: `line`

//! A driver that cannot step down to the legacy line.

use kernel::device::{
    Bound,
    Device, //
};
use kernel::prelude::*;
use storage::irq::{
    Handler,
    Line,
    Look,
    Poller, //
};
use storage::rcu::ReadSide;

struct Adapter {
    poller: Pin<KBox<Poller>>,
}

impl Handler for Adapter {
    fn message(&self, _dev: &Device<Bound>, _section: ReadSide<'_>, _vector: u32) {}

    #[cfg(not(mistake))]
    fn line(&self, _dev: &Device<Bound>, _section: ReadSide<'_>) -> Line {
        Line::NotOurs
    }

    fn poll(&self, _dev: &Device<Bound>, _section: ReadSide<'_>) {}

    fn look(&self) -> Look {
        Look {
            outstanding: false,
            answered: None,
        }
    }

    fn poller(&self) -> &Poller {
        &self.poller
    }
}
