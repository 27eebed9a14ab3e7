// SPDX-License-Identifier: GPL-2.0
// error: E0599 `Builder<adapter::Adapter>`

//! Logical units are looked for on a host that is not registered.

#[path = "common/adapter.rs"]
mod adapter;

use adapter::Adapter;
use kernel::device::{
    Bound,
    Device, //
};
use kernel::prelude::*;
use kernel::sync::Arc;
use storage_scsi::Builder;

pub fn start(builder: Builder<Adapter>, dev: &Device<Bound>, adapter: Arc<Adapter>) -> Result {
    #[cfg(mistake)]
    let host = builder;
    #[cfg(not(mistake))]
    let host = builder.register(dev, adapter)?;
    host.scan();
    Ok(())
}
