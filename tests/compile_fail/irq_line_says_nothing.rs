// SPDX-License-Identifier: GPL-2.0
// error: E0053 method `line` has an incompatible type for trait

//! A handler of a shared line that does not say whose the interrupt was.

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

    #[cfg(mistake)]
    fn line(&self, _dev: &Device<Bound>, _section: ReadSide<'_>) {}

    #[cfg(not(mistake))]
    fn line(&self, _dev: &Device<Bound>, _section: ReadSide<'_>) -> Line {
        Line::Ours
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
