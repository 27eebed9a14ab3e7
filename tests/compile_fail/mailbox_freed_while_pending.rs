// SPDX-License-Identifier: GPL-2.0
// error: E0505 cannot move out of `mailbox` because it is borrowed

//! The completion's memory goes away while the firmware can still answer.

use kernel::prelude::*;
use kernel::time::Delta;
use storage::doorbell::Posting;
use storage::mailbox::Mailbox;

pub fn send(mailbox: Mailbox, doorbell: fn(Posting<'_>)) -> Result {
    let pending = mailbox.arm().ok_or(EBUSY)?.post(doorbell);
    #[cfg(mistake)]
    drop(mailbox);
    let _answered = pending.wait(Delta::from_secs(10), Delta::from_millis(100), || ())?;
    Ok(())
}
