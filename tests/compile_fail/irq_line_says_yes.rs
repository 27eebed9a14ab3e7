// SPDX-License-Identifier: GPL-2.0
// error: E0308 mismatched types

//! A handler that says `handled`, as a flag of its own meaning.

use kernel::device::{
    Bound,
    Device, //
};
use storage::irq::{
    Handler,
    Line, //
};

struct Adapter;

impl Handler for Adapter {
    fn message(&self, _dev: &Device<Bound>, _vector: u32) {}

    fn line(&self, _dev: &Device<Bound>) -> Line {
        #[cfg(mistake)]
        return true;
        #[cfg(not(mistake))]
        return Line::Ours;
    }
}
