// SPDX-License-Identifier: GPL-2.0
// error: E0599 no method named `vectors` found

//! A queue for each vector, on the rung that has none.

use storage::irq::Ladder;

pub fn queues(ladder: &Ladder) -> u32 {
    match ladder {
        Ladder::MsiX(granted) | Ladder::Msi(granted) | Ladder::Intx(granted) => {
            granted.vectors().get()
        }
        #[cfg(mistake)]
        Ladder::Poll(polling) => polling.vectors().get(),
        #[cfg(not(mistake))]
        Ladder::Poll(_) => 1,
    }
}
