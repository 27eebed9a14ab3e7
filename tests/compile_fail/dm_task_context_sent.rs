// SPDX-License-Identifier: GPL-2.0
// error: E0277 cannot be shared between threads safely

//! The proof of task context goes to another thread, or is kept for an interrupt.

use storage_dm::TaskContext;

fn keep<T: Send>(_value: T) {}

pub fn run(task: &TaskContext) {
    #[cfg(not(mistake))]
    let _ = task;
    #[cfg(mistake)]
    keep(task);
}
