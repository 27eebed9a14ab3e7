// SPDX-License-Identifier: GPL-2.0
// error: E0382 borrow of moved value: `armed`

//! The context is written into a frame that the firmware already has.

use storage::doorbell::Posting;
use storage::mailbox::{
    Armed,
    Context, //
};

pub fn send(armed: Armed<'_>, write_frame: fn(Context), doorbell: fn(Posting<'_>)) {
    #[cfg(not(mistake))]
    write_frame(armed.context());
    let _pending = armed.post(doorbell);
    #[cfg(mistake)]
    write_frame(armed.context());
}
