// SPDX-License-Identifier: GPL-2.0
// error: E0308 mismatched types

//! The firmware is told to leave its queue alone, and the driver waits for an answer there.

use kernel::prelude::*;
use kernel::time::Delta;
use storage::doorbell::Posting;
use storage::mailbox::Armed;

pub fn send(
    armed: Armed<'_>,
    doorbell: fn(Posting<'_>),
    look_into_queue: fn(),
    is_answered: fn() -> bool,
) -> Result {
    let polled = armed.post_polled(doorbell);
    #[cfg(mistake)]
    let look = look_into_queue;
    #[cfg(not(mistake))]
    let look = is_answered;
    let _answered = polled.wait(Delta::from_secs(10), Delta::from_millis(10), || look())?;
    Ok(())
}
