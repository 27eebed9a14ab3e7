// SPDX-License-Identifier: GPL-2.0
// error: E0382 use of moved value: `posting`

//! One post rings the doorbell for two commands.

use storage::doorbell::Posting;
use storage::mailbox::{
    Armed,
    Pending, //
};

pub fn send(armed: Armed<'_>, ring: fn(Posting<'_>)) -> Pending<'_> {
    armed.post(|posting| {
        ring(posting);
        #[cfg(mistake)]
        ring(posting);
    })
}
