// SPDX-License-Identifier: GPL-2.0
// error: E0061 this function takes 2 arguments but 1 argument was supplied

//! The host is allocated before the firmware was asked.

#[path = "common/adapter.rs"]
mod adapter;

use adapter::Adapter;
use kernel::prelude::*;
use storage_scsi::{
    Builder,
    Discovery,
    Template, //
};

pub fn allocate(
    template: &'static Template<Adapter>,
    discovery: Discovery,
) -> Result<Builder<Adapter>> {
    Builder::new(
        template,
        #[cfg(not(mistake))]
        discovery,
    )
}
