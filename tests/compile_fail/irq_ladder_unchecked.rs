// SPDX-License-Identifier: GPL-2.0
// error: E0599 no method named `name` found

//! The rung is told without a look at whether any held.

use core::num::NonZero;
use kernel::device::Bound;
use kernel::pci;
use kernel::prelude::*;
use kernel::sync::Arc;
use storage::irq::{
    Handler,
    Ladder,
    Rungs, //
};

pub fn start<H: Handler>(dev: &pci::Device<Bound>, handler: &Arc<H>) -> Result<&'static str> {
    let ladder = Ladder::climb(dev, Rungs::ALL, NonZero::<u32>::MIN, c"case", handler);
    #[cfg(not(mistake))]
    let ladder = ladder?;
    Ok(ladder.name())
}
