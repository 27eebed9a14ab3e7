// SPDX-License-Identifier: GPL-2.0
// error: E0599 no method named `set_can_queue` found

//! The size of the tag set changes under the commands in it.

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
    Discovery,
    Host,
    Template, //
};

pub fn start(
    template: &'static Template<Adapter>,
    dev: &Device<Bound>,
    adapter: Arc<Adapter>,
    mut discovery: Discovery,
    found: u32,
) -> Result<Arc<Host<Adapter>>> {
    #[cfg(not(mistake))]
    {
        discovery.limits.can_queue = found;
    }
    let host = Builder::new(template, discovery)?.register(dev, adapter)?;
    #[cfg(mistake)]
    host.set_can_queue(found);
    Ok(host)
}
