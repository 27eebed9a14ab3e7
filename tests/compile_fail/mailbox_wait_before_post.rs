// SPDX-License-Identifier: GPL-2.0
// error: E0599 no method named `wait` found

//! A wait for a command that the firmware never got.

use kernel::prelude::*;
use kernel::time::Delta;
use storage::doorbell::Posting;
use storage::mailbox::Armed;

pub fn send(armed: Armed<'_>, doorbell: fn(Posting<'_>)) -> Result {
    #[cfg(mistake)]
    let pending = armed;
    #[cfg(not(mistake))]
    let pending = armed.post(doorbell);
    let _answered = pending.wait(Delta::from_secs(10), Delta::from_millis(100), || ())?;
    Ok(())
}
