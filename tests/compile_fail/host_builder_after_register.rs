// SPDX-License-Identifier: GPL-2.0
// error: E0382 borrow of moved value: `builder`

//! What made the host is used after the host is live.

#[path = "common/adapter.rs"]
mod adapter;

use adapter::Adapter;
use kernel::device::{
    Bound,
    Device, //
};
use kernel::prelude::*;
use kernel::sync::Arc;
use storage_scsi::{
    Builder,
    Host, //
};

pub fn start(
    builder: Builder<Adapter>,
    dev: &Device<Bound>,
    adapter: Arc<Adapter>,
) -> Result<(u32, Arc<Host<Adapter>>)> {
    #[cfg(not(mistake))]
    let number = builder.number();
    let host = builder.register(dev, adapter)?;
    #[cfg(mistake)]
    let number = builder.number();
    Ok((number, host))
}
