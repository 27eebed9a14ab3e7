// SPDX-License-Identifier: GPL-2.0

//! All live maps, and what went over their paths: `/sys/kernel/debug/rmpath/paths`.
//!
//! One file for all: a table is made, and taken away, while another of the same mapped device is live, and
//! while one is suspended nothing may wait for memory, which may have to be written to it first.

use core::ops::Deref;
use core::sync::atomic::{
    AtomicBool,
    Ordering, //
};
use kernel::fmt;
use kernel::prelude::*;
use kernel::str::{
    CStr,
    CString, //
};
use kernel::sync::{
    new_mutex,
    Arc,
    Mutex, //
};

use storage::debugfs::{
    File,
    Show, //
};

use super::construct::Name;
use super::status;
use super::target::Map;

/// A map, which is in the list for as long as its target lives.
pub(crate) struct Listed {
    map: Map,
    /// Its table has been live.
    live: AtomicBool,
}

impl Listed {
    pub(crate) fn new(map: Map) -> Result<Arc<Self>> {
        let live = AtomicBool::new(false);
        Ok(Arc::new(Self { map, live }, GFP_KERNEL)?)
    }

    /// Its table is live: it is shown from here on.
    pub(crate) fn show(&self) {
        self.live.store(true, Ordering::Relaxed);
    }
}

impl Deref for Listed {
    type Target = Map;

    #[inline]
    fn deref(&self) -> &Map {
        &self.map
    }
}

/// An entry of the list: the mapped device, and its map.
type Entry = (CString, Arc<Listed>);

/// The list.
#[pin_data]
pub(crate) struct Maps {
    #[pin]
    entries: Mutex<KVec<Entry>>,
}

impl Show for Maps {
    const MODULE: &'static ThisModule = storage::this_module!();

    /// A line for each path: the mapped device, then as the message `stats` has it.
    fn show(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, listed) in self.entries.lock().iter() {
            if listed.live.load(Ordering::Relaxed) {
                let name = Name(name.to_bytes());
                status::write_stats(&listed.map, format_args!("{name} "), out)?;
            }
        }
        Ok(())
    }
}

/// The list, and its file in debugfs.
pub(crate) struct MapsFile(File<Maps>);

impl MapsFile {
    pub(crate) fn new() -> Result<Self> {
        let maps = pin_init!(Maps {
            entries <- new_mutex!(KVec::new(), "rmpath_maps"),
        });
        let file = File::new::<core::convert::Infallible>(c"rmpath", c"paths", maps)?;
        Ok(Self(file))
    }

    /// Puts a map into the list. May sleep.
    ///
    /// # Errors
    ///
    /// `ENOMEM` if there is no memory.
    pub(crate) fn add(&self, name: &CStr, map: &Arc<Listed>) -> Result {
        let entry = (CString::try_from(name)?, map.clone());
        let mut room: KVec<Entry> = KVec::new();
        loop {
            // Nobody waits for memory with the lock: a map that is being taken away may be what it waits for.
            let mut entries = self.0.data().entries.lock();
            let wanted = entries.len().saturating_add(1);
            if entries.capacity() < wanted && room.capacity() >= wanted {
                let old = core::mem::replace(&mut *entries, core::mem::take(&mut room));
                for entry in old {
                    entries.push(entry, GFP_NOWAIT)?;
                }
            }
            if entries.capacity() >= wanted {
                return Ok(entries.push(entry, GFP_NOWAIT)?);
            }
            drop(entries);
            room = KVec::with_capacity(wanted.saturating_mul(2), GFP_KERNEL)?;
        }
    }

    /// Takes it out, if it is there. May sleep.
    pub(crate) fn remove(&self, map: &Arc<Listed>) {
        let mut entries = self.0.data().entries.lock();
        entries.retain(|(_, listed)| !Arc::ptr_eq(listed, map));
    }
}
