// SPDX-License-Identifier: GPL-2.0
// error: E0451 `Granted`

//! More vectors are said to be granted than have a handler.

use core::num::NonZero;
use storage::irq::{
    Granted,
    Ladder, //
};

pub fn pretend(granted: Granted, vectors: NonZero<u32>) -> Ladder {
    #[cfg(mistake)]
    let granted = Granted { vectors, ..granted };
    Ladder::MsiX(granted)
}
