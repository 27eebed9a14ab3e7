// SPDX-License-Identifier: GPL-2.0
// error: E0382 use of moved value: `pending`

//! A second wait after the first ran out of time: by then the slot can be another command's.

use kernel::prelude::*;
use kernel::time::Delta;
use storage::mailbox::Pending;

pub fn wait(pending: Pending<'_>, timeout: Delta, tick: Delta) -> Result {
    let answered = pending.wait(timeout, tick, || ());
    #[cfg(mistake)]
    let answered = answered.or_else(|_| pending.wait(timeout, tick, || ()));
    answered.map(drop)
}
