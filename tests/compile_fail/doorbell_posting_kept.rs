// SPDX-License-Identifier: GPL-2.0
// error: E0521 borrowed data escapes outside of closure

//! The right to ring the doorbell is kept for a later command.

use storage::doorbell::Posting;
use storage::mailbox::{
    Armed,
    Pending, //
};

pub fn send<'a>(
    armed: Armed<'a>,
    kept: &mut Option<Posting<'a>>,
    ring: fn(Posting<'_>),
) -> Pending<'a> {
    armed.post(|posting| {
        #[cfg(mistake)]
        kept.replace(posting);
        #[cfg(not(mistake))]
        ring(posting);
    })
}
