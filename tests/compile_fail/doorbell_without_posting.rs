// SPDX-License-Identifier: GPL-2.0
// error: E0061 this function takes 1 argument but 0 arguments were supplied

//! The doorbell is rung for a command that is not recorded.

use storage::doorbell::Posting;
use storage::mailbox::{
    Armed,
    Pending, //
};

fn ring(_posting: Posting<'_>) {}

pub fn send(armed: Armed<'_>) -> Pending<'_> {
    #[cfg(mistake)]
    ring();
    armed.post(ring)
}
