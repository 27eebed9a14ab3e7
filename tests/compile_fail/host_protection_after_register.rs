// SPDX-License-Identifier: GPL-2.0
// error: E0599 no method named `set_protection` found

//! The tag set is sized without protection, which is announced afterwards.

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
    Limits,
    ProtectionCaps,
    Template, //
};

pub fn start(
    template: &'static Template<Adapter>,
    dev: &Device<Bound>,
    adapter: Arc<Adapter>,
    limits: Limits,
    found: ProtectionCaps,
) -> Result<Arc<Host<Adapter>>> {
    let discovery = Discovery {
        limits,
        #[cfg(mistake)]
        protection: ProtectionCaps::none(),
        #[cfg(not(mistake))]
        protection: found,
    };
    let host = Builder::new(template, discovery)?.register(dev, adapter)?;
    #[cfg(mistake)]
    host.set_protection(found);
    Ok(host)
}
