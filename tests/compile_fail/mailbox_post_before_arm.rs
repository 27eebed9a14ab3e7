// SPDX-License-Identifier: GPL-2.0
// error: E0599 no method named `post` found

//! The command goes to the firmware before its completion is initialised.

use storage::mailbox::{
    Context,
    Mailbox,
    Pending, //
};

pub fn send(mailbox: &Mailbox, doorbell: impl FnOnce(Context)) -> Option<Pending<'_>> {
    #[cfg(mistake)]
    let ready = mailbox;
    #[cfg(not(mistake))]
    let ready = mailbox.arm()?;
    Some(ready.post(doorbell))
}
