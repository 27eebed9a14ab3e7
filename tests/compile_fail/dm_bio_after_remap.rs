// SPDX-License-Identifier: GPL-2.0
// error: E0382 use of moved value: `bio`

//! A bio that went to a device is used again.

#[path = "common/target.rs"]
mod target;

use storage_dm::{
    Bio,
    Device,
    Mapped,
    TaskContext, //
};
use target::Nothing;

pub fn map<'m>(
    bio: Bio<'m, Nothing>,
    device: &'m Device,
    task: &TaskContext,
) -> Mapped<'m, Nothing> {
    #[cfg(not(mistake))]
    return bio.remap(device, 0);
    #[cfg(mistake)]
    {
        bio.remap(device, 0).submit(task);
        bio.kill()
    }
}
