// SPDX-License-Identifier: GPL-2.0
// error: E0061 this method takes 3 arguments but 2 arguments were supplied

//! A wait without a bound, for firmware that may be dead.

use kernel::prelude::*;
use kernel::time::Delta;
use storage::mailbox::Pending;

pub fn wait(pending: Pending<'_>, tick: Delta) -> Result {
    let _answered = pending.wait(
        #[cfg(not(mistake))]
        Delta::from_secs(10),
        tick,
        || (),
    )?;
    Ok(())
}
