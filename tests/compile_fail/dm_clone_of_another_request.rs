// SPDX-License-Identifier: GPL-2.0
// error: E0621 explicit lifetime required in the type of `other`

//! A request is answered with the clone of another.

use kernel::prelude::*;
use storage_dm::{
    Clone,
    Device,
    MapRequest,
    Request, //
};

fn cloned<'r>(request: &'r Request, device: &Device) -> Result<Clone<'r>> {
    request.clone_to(device)
}

pub fn map<'r>(request: &'r Request, other: &Request, device: &Device) -> MapRequest<'r, u32> {
    #[cfg(not(mistake))]
    let clone = cloned(request, device);
    #[cfg(mistake)]
    let clone = cloned(other, device);
    match clone {
        Ok(clone) => MapRequest::Clone(clone, 0),
        Err(_) => MapRequest::Requeue,
    }
}
