// SPDX-License-Identifier: GPL-2.0
// error: E0599 no method named `arm` found

//! The completion is initialised again after the firmware has the command.

use kernel::prelude::*;
use kernel::time::Delta;
use storage::doorbell::Posting;
use storage::mailbox::Mailbox;

pub fn send(mailbox: &Mailbox, doorbell: impl FnOnce(Posting<'_>)) -> Result {
    let pending = mailbox.arm().ok_or(EBUSY)?.post(doorbell);
    #[cfg(mistake)]
    let pending = pending.arm().ok_or(EBUSY)?;
    let _answered = pending.wait(Delta::from_secs(10), Delta::from_millis(100), || ())?;
    Ok(())
}
