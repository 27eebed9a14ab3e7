// SPDX-License-Identifier: GPL-2.0
// error: E0004 non-exhaustive patterns: `&Ladder::Intx(_)` not covered

//! A driver that forgets that the legacy line may be all that a capture kernel has.

use storage::irq::Ladder;

pub fn queues(ladder: &Ladder) -> u32 {
    match ladder {
        Ladder::MsiX(_) => ladder.vectors().get(),
        Ladder::Msi(_) => 1,
        #[cfg(not(mistake))]
        Ladder::Intx(_) => 1,
    }
}
