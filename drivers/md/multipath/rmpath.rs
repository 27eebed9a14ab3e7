// SPDX-License-Identifier: GPL-2.0

//! A device-mapper target that takes dm-multipath's place: the same name, tables, messages and status.
//!
//! | file | what it is |
//! | --- | --- |
//! | `target.rs` | one map, and what device-mapper asks of it |
//! | `construct.rs` | a table's devices and their hardware handlers |
//! | `io.rs` | the way of requests and bios |
//! | `control.rs` | messages, changes of paths and groups, what follows from them |
//! | `probe.rs` | ioctls, and the probing of paths |
//! | `maps.rs` | all maps, in debugfs |
//! | `table.rs`, `features.rs`, `handler.rs`, `message.rs`, `status.rs` | the text, both ways |
//! | `map.rs`, `map/`, `selector.rs`, `selector/` | groups, paths and who gets which: pure decisions |
//! | `block_status.rs`, `held.rs`, `stats.rs` | what an end means, late I/O, counts |
//! | `args.rs`, `cpumask.rs`, `tree.rs`, `memory.rs`, `errno.rs` | what the pure files share |
//!
//! Source: `drivers/md/dm-mpath.c`.

use kernel::fmt;
use kernel::prelude::*;
use kernel::str::CStr;
use storage::atomic;
use storage::system::is_module_loaded;
use storage::workqueue::{
    Kind,
    WorkQueue, //
};
use storage_dm as dm;
use storage_dm::BlockStatus;

mod args;
mod block_status;
mod construct;
mod control;
mod cpumask;
mod errno;
mod features;
mod handler;
mod held;
mod io;
mod map;
mod maps;
mod memory;
mod message;
mod probe;
mod selector;
mod stats;
mod status;
mod table;
mod target;
mod tree;

use construct::Name;
use maps::MapsFile;
use target::Multipath;

module! {
    type: Module,
    name: "rmpath",
    authors: ["The Ironpath developers"],
    description: "Multipath target of device-mapper",
    license: "GPL",
}

storage::number_parameter! {
    /// The time without paths of maps that have none of their own.
    static QUEUE_IF_NO_PATH_TIMEOUT_SECS: queue_if_no_path_timeout_secs = 0,
        "Seconds that I/O is kept while no path is left (0: without end)";
}

/// What all maps share.
pub(crate) struct Shared {
    /// Sends bios that were kept; goes on when memory is short. It may wait for a path that is stuck.
    pub(crate) bios: WorkQueue,
    /// Watches the clock; goes on when memory is short, whatever the others wait for.
    pub(crate) clock: WorkQueue,
    /// Activates paths, one at a time.
    pub(crate) handlers: WorkQueue,
    /// Tells user space.
    pub(crate) events: WorkQueue,
    /// All of them.
    pub(crate) maps: MapsFile,
}

impl Shared {
    fn new() -> Result<Self> {
        let queue = |name: &'static CStr, kind| WorkQueue::new(name, kind);
        Ok(Self {
            bios: queue(c"rmpathd", Kind::Reclaim)?,
            clock: queue(c"rmpath_clockd", Kind::Reclaim)?,
            handlers: queue(c"rmpath_handlerd", Kind::Ordered)?,
            events: queue(c"rmpath_events", Kind::PerCpu)?,
            maps: MapsFile::new()?,
        })
    }
}

struct Module {
    _target: dm::Registration<Multipath>,
}

/// Why the name is taken, and how it becomes free.
struct NameTaken(&'static ThisModule);

impl fmt::Display for NameTaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// The stock target's selectors, which use its symbols: loading one loads the target as well.
        const SELECTORS: [&CStr; 5] = [
            c"dm_service_time",
            c"dm_round_robin",
            c"dm_queue_length",
            c"dm_historical_service_time",
            c"dm_io_affinity",
        ];
        if !is_module_loaded(self.0, c"dm_multipath") {
            return f
                .write_str("another module is registered as 'multipath'; see 'dmsetup targets'");
        }
        f.write_str("module dm_multipath is registered as 'multipath'")?;
        let mut loaded = SELECTORS
            .into_iter()
            .filter(|name| is_module_loaded(self.0, name))
            .map(|name| Name(name.to_bytes()));
        if let Some(first) = loaded.next() {
            write!(f, "; what needs it: {first}")?;
            loaded.try_for_each(|name| write!(f, ", {name}"))?;
        }
        f.write_str("; see /sys/module/dm_multipath/holders, and rmpath(4) for how to keep it out")
    }
}

impl kernel::Module for Module {
    fn init(module: &'static ThisModule) -> Result<Self> {
        let registered = dm::Registration::new(module, Shared::new()?);
        let target = registered.inspect_err(|error| {
            if *error == EBUSY {
                pr_err!("not loaded: {}\n", NameTaken(module));
            }
        })?;
        Ok(Self { _target: target })
    }
}
