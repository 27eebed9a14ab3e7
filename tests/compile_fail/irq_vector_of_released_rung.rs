// SPDX-License-Identifier: GPL-2.0
// error: E0382 borrow of moved value: `granted`

//! Queues are sized by the vectors of a rung that has been given back.

use storage::irq::{
    Granted,
    Ladder, //
};

pub fn queues(ladder: Ladder) -> u32 {
    let granted: Granted = match ladder {
        Ladder::MsiX(granted) | Ladder::Msi(granted) | Ladder::Intx(granted) => granted,
        Ladder::Poll(_) => return 1,
    };
    #[cfg(not(mistake))]
    let vectors = granted.vectors().get();
    drop(granted);
    #[cfg(mistake)]
    let vectors = granted.vectors().get();
    vectors
}
