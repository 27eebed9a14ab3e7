// SPDX-License-Identifier: GPL-2.0
// error: E0308 mismatched types

//! A computed number of vectors that can be zero.

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

pub fn start<H: Handler>(
    dev: &pci::Device<Bound>,
    handler: &Arc<H>,
    queues: u32,
) -> Result<Ladder> {
    #[cfg(mistake)]
    let vectors = queues;
    #[cfg(not(mistake))]
    let vectors = NonZero::new(queues).unwrap_or(NonZero::<u32>::MIN);
    Ladder::climb(dev, Rungs::ALL, vectors, c"case", handler)
}
