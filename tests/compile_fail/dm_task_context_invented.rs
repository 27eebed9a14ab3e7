// SPDX-License-Identifier: GPL-2.0
// error: E0624 associated function `new` is private

//! Code that may run in an interrupt says that it runs in a task.

use storage_dm::{
    with_plug,
    TaskContext, //
};

pub fn send(task: &TaskContext) {
    #[cfg(not(mistake))]
    with_plug(task, || {});
    #[cfg(mistake)]
    with_plug(&TaskContext::new(), || {});
}
