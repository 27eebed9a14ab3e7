// SPDX-License-Identifier: GPL-2.0
// error: E0382 use of moved value: `builder`

//! One host is added to the mid-layer a second time, after the first attempt.

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
) -> Result<Arc<Host<Adapter>>> {
    let host = builder.register(dev, adapter.clone());
    #[cfg(mistake)]
    let host = host.or_else(|_| builder.register(dev, adapter));
    host
}
