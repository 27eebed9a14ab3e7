// SPDX-License-Identifier: GPL-2.0
// error: E0599 no method named `is_lost` found

//! The reply is read without a look at whether one came.

use kernel::prelude::*;
use kernel::time::Delta;
use storage::mailbox::Pending;

pub fn wait(pending: Pending<'_>, timeout: Delta, tick: Delta) -> Result<bool> {
    let answered = pending.wait(timeout, tick, || ());
    #[cfg(not(mistake))]
    let answered = answered?;
    Ok(answered.is_lost())
}
