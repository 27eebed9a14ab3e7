// SPDX-License-Identifier: GPL-2.0
// error: E0133 call to unsafe function `Posting::<'_>::new`

//! The right to ring the doorbell is made by hand.

use storage::doorbell::Posting;
use storage::mailbox::{
    Armed,
    Pending, //
};

fn ring(_posting: Posting<'_>) {}

pub fn send(armed: Armed<'_>) -> Pending<'_> {
    #[cfg(mistake)]
    ring(Posting::new());
    armed.post(ring)
}
