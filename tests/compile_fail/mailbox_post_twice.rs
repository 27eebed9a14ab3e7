// SPDX-License-Identifier: GPL-2.0
// error: E0382 use of moved value: `armed`

//! One completion, two commands at the firmware.

use storage::doorbell::Posting;
use storage::mailbox::Armed;

pub fn send(armed: Armed<'_>, doorbell: fn(Posting<'_>)) {
    let _pending = armed.post(doorbell);
    #[cfg(mistake)]
    let _again = armed.post(doorbell);
}
