// SPDX-License-Identifier: GPL-2.0
// error: E0599 no method named `post` found

//! The command goes to the firmware before its completion is initialised.

use storage::doorbell::Posting;
use storage::mailbox::{
    Mailbox,
    Pending, //
};

pub fn send(mailbox: &Mailbox, doorbell: impl FnOnce(Posting<'_>)) -> Option<Pending<'_>> {
    #[cfg(mistake)]
    let ready = mailbox;
    #[cfg(not(mistake))]
    let ready = mailbox.arm()?;
    Some(ready.post(doorbell))
}
