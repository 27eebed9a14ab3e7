// SPDX-License-Identifier: GPL-2.0
// error: E0382 use of moved value: `lent`

//! Two I/Os are sent with one path that was lent.

#[path = "common/multipath.rs"]
mod multipath;

use multipath::core_of::map::{
    InFlight,
    Lent, //
};
use multipath::core_of::memory::Memory;

fn send<M: Memory, D>(lent: Lent<'_, M, D>) -> InFlight {
    let first = lent.send();
    #[cfg(mistake)]
    let first = {
        drop(first);
        lent.send()
    };
    first
}
