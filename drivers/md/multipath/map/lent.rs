// SPDX-License-Identifier: GPL-2.0

//! An I/O on its way: a path lent to it, then the I/O in flight.

use core::mem::ManuallyDrop;

use super::super::atomic::Ordering;
use super::super::memory::Memory;
use super::{
    extra,
    Map,
    Path,
    PathId, //
};

/// A path that was usable when it was asked for.
///
/// Sent with [`Lent::send`]. Dropped, it counts as not used.
#[must_use]
pub(crate) struct Lent<'m, M: Memory, D> {
    pub(super) map: &'m Map<M, D>,
    pub(super) path: &'m Path<D>,
    pub(super) id: PathId,
    pub(super) nr_bytes: u32,
}

impl<'m, M: Memory, D> Lent<'m, M, D> {
    /// The path.
    #[inline]
    pub(crate) const fn path(&self) -> PathId {
        self.id
    }

    /// Its device.
    #[inline]
    pub(crate) const fn device(&self) -> &'m D {
        self.path.device()
    }

    /// As [`Lent::send`], for a map without extras ([`Map::has_extras`]).
    #[inline]
    pub(crate) fn send_without_extras(self) -> InFlight {
        // Not dropped: the load stays with the path.
        let lent = ManuallyDrop::new(self);
        lent.path.stats.sent();
        InFlight {
            path: lent.id,
            nr_bytes: lent.nr_bytes,
            slice: 0,
        }
    }

    /// The I/O goes to the path: from here it is in flight until [`Map::end_io`].
    #[inline]
    pub(crate) fn send(self) -> InFlight {
        // Not dropped: the load stays with the path.
        let lent = ManuallyDrop::new(self);
        lent.path.stats.sent();
        let mut slice = 0;
        if lent.map.extras() & extra::DEADLINE != 0 {
            slice = lent.map.slice.load(Ordering::Relaxed);
            lent.path.watch.sent(slice);
        }
        InFlight {
            path: lent.id,
            nr_bytes: lent.nr_bytes,
            slice,
        }
    }
}

impl<M: Memory, D> Drop for Lent<'_, M, D> {
    fn drop(&mut self) {
        self.map.cancel(self.path, self.nr_bytes);
    }
}

/// An I/O that has a path. Lies in the I/O's own data; ended with [`Map::end_io`] or, if it was not
/// sent after all, with [`Map::take_back`]. Each of them takes it, so it is ended once.
#[must_use]
#[derive(Debug)]
pub(crate) struct InFlight {
    pub(super) path: PathId,
    pub(super) nr_bytes: u32,
    pub(super) slice: u32,
}

impl InFlight {
    /// The path that it was sent to.
    #[inline]
    pub(crate) const fn path(&self) -> PathId {
        self.path
    }
}

/// How an I/O ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended {
    /// When it was started, in nanoseconds of [`Env::now`], if that was measured.
    pub(crate) start: Option<u64>,
    /// It ended with an error, whatever that says of the path.
    pub(crate) error: bool,
}
