// SPDX-License-Identifier: GPL-2.0
// error: E0308 mismatched types

//! A handler that says `handled`, as a flag of its own meaning.

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

    fn line(&self, _dev: &Device<Bound>, _section: ReadSide<'_>) -> Line {
        #[cfg(mistake)]
        return true;
        #[cfg(not(mistake))]
        return Line::Ours;
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
