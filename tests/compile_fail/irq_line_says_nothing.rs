// SPDX-License-Identifier: GPL-2.0
// error: E0053 method `line` has an incompatible type for trait

//! A handler of a shared line that does not say whose the interrupt was.

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

    #[cfg(mistake)]
    fn line(&self, _dev: &Device<Bound>) {}

    #[cfg(not(mistake))]
    fn line(&self, _dev: &Device<Bound>) -> Line {
        Line::Ours
    }
}
