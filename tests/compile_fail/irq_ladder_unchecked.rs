// SPDX-License-Identifier: GPL-2.0
// error: E0599 no method named `vectors` found

//! Queues are counted without a look at whether any rung held.

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

pub fn start<H: Handler>(dev: &pci::Device<Bound>, handler: &Arc<H>) -> Result<u32> {
    let ladder = Ladder::climb(dev, Rungs::ALL, NonZero::<u32>::MIN, c"case", handler);
    #[cfg(not(mistake))]
    let ladder = ladder?;
    Ok(ladder.vectors().get())
}
