// SPDX-License-Identifier: GPL-2.0
// error: E0046 not all trait items implemented, missing: `line`

//! A driver that cannot step down to the legacy line.

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

    #[cfg(not(mistake))]
    fn line(&self, _dev: &Device<Bound>) -> Line {
        Line::NotOurs
    }
}
