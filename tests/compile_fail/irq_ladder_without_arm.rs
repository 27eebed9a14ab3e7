// SPDX-License-Identifier: GPL-2.0
// error: E0004 non-exhaustive patterns: `&Ladder::Poll(_)` not covered

//! A driver that forgets that a capture kernel may have no interrupt at all.

use storage::irq::Ladder;

pub fn queues(ladder: &Ladder) -> u32 {
    match ladder {
        Ladder::MsiX(granted) => granted.vectors().get(),
        Ladder::Msi(_) => 1,
        Ladder::Intx(_) => 1,
        #[cfg(not(mistake))]
        Ladder::Poll(_) => 1,
    }
}
