// SPDX-License-Identifier: GPL-2.0

//! `queue-length` and `service-time`: the path with the least in flight.
//!
//! Source: `drivers/md/dm-ps-queue-length.c`, `drivers/md/dm-ps-service-time.c`. Which path is
//! chosen is the same; what it costs does not grow with the number of paths, as in [`Tree`]. Paths
//! of the same relative throughput are in one tree, for among them the size of the next I/O does
//! not matter, and the best of each tree are compared as the C selector compares them.

use super::super::map::{
    Loan,
    Usable, //
};
use super::super::memory::{
    Memory,
    OutOfMemory,
    Vector, //
};
use super::super::tree::Tree;

/// What is counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Measure {
    /// I/Os in flight.
    QueueLength,
    /// Bytes in flight.
    ServiceTime,
}

/// Bytes in flight are counted in sectors: a tree's load is narrow.
const SECTOR_SHIFT: u32 = 9;

impl Measure {
    /// What an I/O of `nr_bytes` bytes adds to the load.
    #[inline]
    const fn load(self, nr_bytes: u32) -> u32 {
        match self {
            Self::QueueLength => 1,
            Self::ServiceTime => nr_bytes.div_ceil(1 << SECTOR_SHIFT),
        }
    }
}

/// Paths of the same relative throughput.
struct Class<M: Memory> {
    throughput: u32,
    tree: Tree<M>,
    /// The index in the group of each leaf's path. If there is no other class, they are the same.
    paths: M::Vec<u32>,
}

/// Where a path is.
#[derive(Clone, Copy)]
struct Place {
    class: u32,
    leaf: u32,
}

/// The loads of a group's paths.
pub(crate) struct Balance<M: Memory> {
    measure: Measure,
    classes: M::Vec<Class<M>>,
    places: M::Vec<Place>,
}

/// How often a path is looked for that does not fail meanwhile, before every path is asked.
const MAX_TRIES: u32 = 4;

impl<M: Memory> Balance<M> {
    /// Paths without load whose relative throughputs are `throughputs`. May sleep.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`].
    pub(crate) fn new(
        measure: Measure,
        throughputs: impl Iterator<Item = u32> + Clone,
    ) -> Result<Self, OutOfMemory> {
        let mut classes = M::Vec::<Class<M>>::empty();
        let mut places = M::Vec::<Place>::empty();
        for (index, throughput) in (0u32..).zip(throughputs.clone()) {
            let known = (0u32..)
                .zip(classes.iter_mut())
                .find(|(_, class)| class.throughput == throughput);
            if let Some((number, class)) = known {
                places.append(Place {
                    class: number,
                    leaf: class.paths.len() as u32,
                })?;
                class.paths.append(index)?;
                continue;
            }
            let members = throughputs.clone().filter(|other| *other == throughput);
            places.append(Place {
                class: classes.len() as u32,
                leaf: 0,
            })?;
            classes.append(Class {
                throughput,
                tree: Tree::new(members.count() as u32)?,
                paths: Vector::of([index])?,
            })?;
        }
        Ok(Self {
            measure,
            classes,
            places,
        })
    }

    /// The best path for an I/O of `nr_bytes` bytes; the I/O counts as in flight from here.
    #[inline(always)]
    pub(crate) fn pick<'a>(&self, usable: &'a Usable, nr_bytes: u32) -> Option<Loan<'a>> {
        let load = self.measure.load(nr_bytes);
        if let [class] = &*self.classes {
            let started = class.tree.start_best(load, |index| usable.lend(index));
            if started.is_some() {
                return started;
            }
        }
        self.pick_of_many(usable, load)
    }

    /// The best path of several classes, or while paths fail.
    #[inline(never)]
    fn pick_of_many<'a>(&self, usable: &'a Usable, load: u32) -> Option<Loan<'a>> {
        for _ in 0..MAX_TRIES {
            let (class, leaf) = self.best(load)?;
            let index = *class.paths.get(leaf as usize)?;
            if let Some(loan) = usable.lend(index) {
                if class.tree.start(leaf, load) {
                    return Some(loan);
                }
            }
        }
        // Paths fail faster than they are found.
        usable.iter().find_map(|index| {
            let loan = usable.lend(index)?;
            let (class, leaf) = self.place(index)?;
            class.tree.start(leaf, load).then_some(loan)
        })
    }

    /// The best path of those that are accepted.
    pub(crate) fn pick_among<'a>(
        &self,
        usable: &'a Usable,
        nr_bytes: u32,
        accepts: impl Fn(u32) -> bool,
    ) -> Option<Loan<'a>> {
        let incoming = self.measure.load(nr_bytes);
        let estimate = |index: u32| {
            let (class, leaf) = self.place(index)?;
            Some((class.tree.load(leaf), class.throughput))
        };
        let mut best: Option<(u32, (u64, u32))> = None;
        for index in usable.iter().filter(|index| accepts(*index)) {
            let Some(path) = estimate(index) else {
                continue;
            };
            let is_better = best.is_none_or(|(_, other)| match (path, other) {
                ((load, throughput), (other_load, other_throughput))
                    if throughput == other_throughput =>
                {
                    load < other_load
                }
                _ => is_faster(path, other, incoming),
            });
            if is_better {
                best = Some((index, path));
            }
        }
        let (index, _) = best?;
        let loan = usable.lend(index)?;
        let (class, leaf) = self.place(index)?;
        class.tree.start(leaf, incoming).then_some(loan)
    }

    /// The best leaf of all classes.
    fn best(&self, incoming: u32) -> Option<(&Class<M>, u32)> {
        let mut best: Option<(&Class<M>, u32, u64)> = None;
        for class in self.classes.iter() {
            let Some(leaf) = class.tree.best() else {
                continue;
            };
            let load = class.tree.load(leaf);
            let is_better = best.is_none_or(|(other, _, other_load)| {
                is_faster(
                    (load, class.throughput),
                    (other_load, other.throughput),
                    incoming,
                )
            });
            if is_better {
                best = Some((class, leaf, load));
            }
        }
        best.map(|(class, leaf, _)| (class, leaf))
    }

    #[inline]
    fn place(&self, index: u32) -> Option<(&Class<M>, u32)> {
        if let [class] = &*self.classes {
            return Some((class, index));
        }
        let place = self.places.get(index as usize)?;
        Some((self.classes.get(place.class as usize)?, place.leaf))
    }

    /// I/O of `nr_bytes` bytes has ended on a path, or was not sent after all.
    #[inline]
    pub(crate) fn end(&self, index: u32, nr_bytes: u32) {
        if let Some((class, leaf)) = self.place(index) {
            class.tree.end(leaf, self.measure.load(nr_bytes));
        }
    }

    /// A path is out of use.
    pub(crate) fn fail(&self, index: u32) {
        if let Some((class, leaf)) = self.place(index) {
            class.tree.fail(leaf);
        }
    }

    /// A path is in use again.
    pub(crate) fn reinstate(&self, index: u32) {
        if let Some((class, leaf)) = self.place(index) {
            class.tree.reinstate(leaf);
        }
    }

    /// What is in flight on a path: I/Os or bytes.
    pub(crate) fn in_flight(&self, index: u32) -> u64 {
        let load = self
            .place(index)
            .map(|(class, leaf)| class.tree.load(leaf))
            .unwrap_or_default();
        match self.measure {
            Measure::QueueLength => load,
            Measure::ServiceTime => load << SECTOR_SHIFT,
        }
    }
}

/// Whether a path of some load and relative throughput is to be preferred to one of another
/// throughput, for an I/O of `incoming` sectors (`st_compare_load`).
const fn is_faster(path: (u64, u32), other: (u64, u32), incoming: u32) -> bool {
    let (load, throughput) = path;
    let (other_load, other_throughput) = other;
    if load == other_load || throughput == 0 || other_throughput == 0 {
        return throughput > other_throughput;
    }
    // The time to finish is the sum of the sectors by the throughput; multiplied crosswise.
    let time = load
        .saturating_add(incoming as u64)
        .saturating_mul(other_throughput as u64);
    let other_time = other_load
        .saturating_add(incoming as u64)
        .saturating_mul(throughput as u64);
    if time == other_time {
        throughput > other_throughput
    } else {
        time < other_time
    }
}
