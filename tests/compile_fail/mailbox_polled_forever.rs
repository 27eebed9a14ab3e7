// SPDX-License-Identifier: GPL-2.0
// error: E0061 this method takes 3 arguments but 2 arguments were supplied

//! A status is polled without a bound, for firmware that may be dead.

use kernel::prelude::*;
use kernel::time::Delta;
use storage::mailbox::Polled;

pub fn wait(polled: Polled<'_>, tick: Delta, is_answered: fn() -> bool) -> Result {
    let _answered = polled.wait(
        #[cfg(not(mistake))]
        Delta::from_secs(10),
        tick,
        is_answered,
    )?;
    Ok(())
}
