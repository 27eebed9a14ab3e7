// SPDX-License-Identifier: GPL-2.0

//! The multipath target's pure core, for the cases that need it: the same files.

#![allow(unreachable_pub)]

#[path = "../../../drivers/md/multipath"]
pub(crate) mod core_of {
    use storage::atomic;
    use storage_dm::BlockStatus;

    pub(crate) mod args;
    pub(crate) mod block_status;
    pub(crate) mod cpumask;
    pub(crate) mod errno;
    pub(crate) mod features;
    pub(crate) mod handler;
    pub(crate) mod held;
    pub(crate) mod map;
    pub(crate) mod memory;
    pub(crate) mod selector;
    pub(crate) mod stats;
    pub(crate) mod table;
    pub(crate) mod tree;
}
