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
use kernel::debugfs::{
    Dir,
    File,
    Writer, //
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

/// The list.
pub(crate) struct Maps(KVec<(CString, Arc<Listed>)>);

impl Writer for Maps {
    /// A line for each path: the mapped device, then as the message `stats` has it.
    fn write(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, listed) in &self.0 {
            if listed.live.load(Ordering::Relaxed) {
                let name = Name(name.to_bytes());
                status::write_stats(&listed.map, format_args!("{name} "), out)?;
            }
        }
        Ok(())
    }
}

/// The list, and its file in debugfs.
pub(crate) struct MapsFile(Pin<KBox<File<Mutex<Maps>>>>);

impl MapsFile {
    pub(crate) fn new() -> Result<Self> {
        let maps = new_mutex!(Maps(KVec::new()), "rmpath_maps");
        // The file keeps its directory.
        let folder = Dir::new(c"rmpath");
        let file = folder.read_only_file::<_, core::convert::Infallible>(c"paths", maps);
        Ok(Self(KBox::pin_init(file, GFP_KERNEL)?))
    }

    /// Puts a map into the list. May sleep.
    pub(crate) fn add(&self, name: &CStr, map: &Arc<Listed>) -> Result {
        let entry = (CString::try_from(name)?, map.clone());
        Ok(self.0.lock().0.push(entry, GFP_KERNEL)?)
    }

    /// Takes it out, if it is there. May sleep.
    pub(crate) fn remove(&self, map: &Arc<Listed>) {
        self.0
            .lock()
            .0
            .retain(|(_, listed)| !Arc::ptr_eq(listed, map));
    }
}
