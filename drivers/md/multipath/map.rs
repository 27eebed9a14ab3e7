// SPDX-License-Identifier: GPL-2.0

//! A map: groups of paths, and what is known of each.
//!
//! | type | what it is | how it is used |
//! | --- | --- | --- |
//! | [`Map`] | what stands in the table, loads, counts, which paths are usable | shared, without a lock, in any context |
//! | [`State`] | everything that changes only now and then | under the target's lock |
//! | [`Lent`] | a path that was usable when an I/O asked for one | until the I/O is sent |
//! | [`InFlight`] | an I/O with a path | in the I/O's own data, until it has ended |
//!
//! An I/O asks [`Map::lend`] first, which costs the same however many paths there are. Where that
//! gives nothing, [`State::lend`] decides under the lock: switches groups, waits for one that is
//! being initialised, or finds that no path is left.
//!
//! Source: `drivers/md/dm-mpath.c`.

use super::atomic::{
    AtomicU32,
    Ordering, //
};
use super::features::Features;
use super::handler::Handler;
use super::held::Watch;
use super::memory::Memory;
use super::selector::{
    Env,
    Selector, //
};
use super::stats::PathStats;

mod draft;
mod effects;
mod fitting;
mod ioctl;
mod lent;
mod outage;
mod pg_init;
mod queueing;
mod state;
mod usable;

pub(crate) use draft::MapDraft;
pub(crate) use effects::{
    Effects,
    PathChange,
    PathEvent,
    TimerChange, //
};
pub(crate) use fitting::Fitting;
pub(crate) use ioctl::{
    IoctlPath,
    Probe, //
};
pub(crate) use lent::{
    Ended,
    InFlight,
    Lent, //
};
pub(crate) use outage::Blame;
pub(crate) use pg_init::{
    Activation,
    DhResult, //
};
pub(crate) use queueing::{
    NoPath,
    Suspension, //
};
pub(crate) use state::{
    Pick,
    State, //
};
pub(crate) use usable::{
    Loan,
    Usable, //
};

/// A path group of a map.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct GroupId(u32);

impl GroupId {
    /// The group of this number: groups are numbered from one. Zero is no group.
    #[inline]
    pub(crate) const fn from_number(number: u32) -> Option<Self> {
        match number.checked_sub(1) {
            Some(index) => Some(Self(index)),
            None => None,
        }
    }

    /// Its number, from one.
    #[inline]
    pub(crate) const fn number(self) -> u32 {
        self.0.saturating_add(1)
    }

    #[inline]
    const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A path of a map, numbered through all groups in table order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct PathId(u32);

impl PathId {
    #[inline]
    const fn index(self) -> usize {
        self.0 as usize
    }
}

/// One group.
pub(crate) struct Group<M: Memory> {
    usable: Usable,
    selector: Selector<M>,
    first: u32,
}

impl<M: Memory> Group<M> {
    /// Its selector.
    #[inline]
    pub(crate) const fn selector(&self) -> &Selector<M> {
        &self.selector
    }

    /// The number of its paths, usable or not.
    #[inline]
    pub(crate) const fn paths(&self) -> u32 {
        self.usable.paths()
    }

    /// Its paths, in table order.
    pub(crate) fn path_ids(&self) -> impl Iterator<Item = PathId> {
        let first = self.first;
        (0..self.paths()).map(move |index| PathId(first.saturating_add(index)))
    }
}

/// One path.
pub(crate) struct Path<D> {
    device: D,
    group: GroupId,
    /// In the group.
    index: u32,
    stats: PathStats,
    watch: Watch,
}

impl<D> Path<D> {
    /// The device.
    #[inline]
    pub(crate) const fn device(&self) -> &D {
        &self.device
    }

    /// Its place in the group, from zero.
    #[inline]
    pub(crate) const fn index_in_group(&self) -> u32 {
        self.index
    }

    /// What went over it.
    #[inline]
    pub(crate) const fn stats(&self) -> &PathStats {
        &self.stats
    }

    fn unwatch(&self, extras: u32, in_flight: &InFlight) {
        if extras & extra::DEADLINE != 0 {
            self.watch.ended(in_flight.slice);
        }
    }

    /// What it holds, and for how long.
    #[inline]
    pub(crate) const fn watch(&self) -> &Watch {
        &self.watch
    }
}

/// What is done for each I/O beside sending it.
mod extra {
    /// Latencies are measured.
    pub(super) const LATENCIES: u32 = 1;
    /// A selector wants to know when I/O was sent and when it ended. Never changes.
    pub(super) const TIMES: u32 = 1 << 1;
    /// There is a deadline. Never changes.
    pub(super) const DEADLINE: u32 = 1 << 2;
    /// A path has lower limits than the map.
    pub(super) const LIMITS: u32 = 1 << 3;
    /// It has to be known when an I/O was sent.
    pub(super) const TIMED: u32 = LATENCIES | TIMES;
}

/// A map.
///
/// # Invariants
///
/// - `valid` is the number of usable paths of all groups whenever the target's lock is free.
/// - `open` names a group only while I/O may go to it without asking [`State`].
/// - The paths of a group are next to each other, from `first`.
pub(crate) struct Map<M: Memory, D> {
    features: Features,
    handler: Handler<M>,
    groups: M::Vec<Group<M>>,
    paths: M::Vec<Path<D>>,
    valid: AtomicU32,
    /// The number of the group that I/O goes to, or zero.
    open: AtomicU32,
    /// Paths whose initialisation has not ended.
    initialising: AtomicU32,
    /// What is done for each I/O beside sending it: the bits of [`extra`]. Zero on most maps, which is
    /// all that their I/O looks at.
    extras: AtomicU32,
    /// The slice of time in which I/O is sent; see [`Watch`].
    slice: AtomicU32,
}

impl<M: Memory, D> Map<M, D> {
    /// The features that the table asked for.
    #[inline]
    pub(crate) const fn features(&self) -> &Features {
        &self.features
    }

    /// The hardware handler.
    #[inline]
    pub(crate) const fn handler(&self) -> &Handler<M> {
        &self.handler
    }

    /// The groups, in table order.
    pub(crate) fn groups(&self) -> impl Iterator<Item = (GroupId, &Group<M>)> {
        (0u32..).map(GroupId).zip(self.groups.iter())
    }

    /// The group of this id.
    #[inline]
    pub(crate) fn group(&self, group: GroupId) -> Option<&Group<M>> {
        self.groups.get(group.index())
    }

    /// The number of groups.
    pub(crate) fn nr_groups(&self) -> u32 {
        self.groups.len() as u32
    }

    /// The paths, in table order.
    pub(crate) fn paths(&self) -> impl Iterator<Item = (PathId, &Path<D>)> {
        (0u32..).map(PathId).zip(self.paths.iter())
    }

    /// The path of this id.
    #[inline]
    pub(crate) fn path(&self, path: PathId) -> Option<&Path<D>> {
        self.paths.get(path.index())
    }

    /// Whether a path is usable just now.
    #[inline]
    pub(crate) fn is_usable(&self, path: PathId) -> bool {
        self.located(path)
            .is_some_and(|(group, path)| group.usable.is_usable(path.index))
    }

    /// The number of usable paths.
    #[inline]
    pub(crate) fn valid_paths(&self) -> u32 {
        self.valid.load(Ordering::Acquire)
    }

    /// I/Os of all paths that ended without an error; see [`PathStats::successes`].
    fn successes(&self) -> u64 {
        self.paths()
            .map(|(_, path)| path.stats.successes())
            .fold(0, u64::saturating_add)
    }

    #[inline]
    fn located(&self, path: PathId) -> Option<(&Group<M>, &Path<D>)> {
        let path = self.path(path)?;
        Some((self.group(path.group)?, path))
    }

    /// Lends a path for an I/O of `nr_bytes` bytes. [`None`] if that needs [`State::lend`]: no
    /// group is open, or none of its paths is usable.
    #[inline(always)]
    pub(crate) fn lend<E: Env>(&self, env: &E, nr_bytes: u32) -> Option<Lent<'_, M, D>> {
        let group = GroupId::from_number(self.open.load(Ordering::Acquire))?;
        self.lend_in(group, env, nr_bytes)
    }

    /// Lends a path of a group, if one is usable.
    #[inline(always)]
    fn lend_in<E: Env>(&self, group: GroupId, env: &E, nr_bytes: u32) -> Option<Lent<'_, M, D>> {
        let group = self.group(group)?;
        let loan = group.selector.pick(&group.usable, env, nr_bytes)?;
        let id = PathId(group.first.saturating_add(loan.index()));
        Some(Lent {
            map: self,
            id,
            // By the invariant of the group's paths it is there.
            path: self.path(id)?,
            nr_bytes,
        })
    }

    #[cold]
    fn cancel(&self, path: &Path<D>, nr_bytes: u32) {
        if let Some(group) = self.group(path.group) {
            group.selector.cancel(path.index, nr_bytes);
        }
    }

    /// An I/O has ended. Accounts for it; what becomes of the I/O and the path is decided with
    /// [`super::block_status`].
    #[inline(always)]
    pub(crate) fn end_io<E: Env>(&self, in_flight: InFlight, env: &E, ended: Ended) {
        let Some((group, path)) = self.located(in_flight.path) else {
            return;
        };
        path.stats.ended(in_flight.nr_bytes, ended.error);
        let extras = self.extras();
        if extras != 0 {
            return self.end_with_extras(extras, group, path, in_flight, env, ended.start);
        }
        // No selector of this map asks for times.
        group
            .selector
            .end(&group.usable, path.index, in_flight.nr_bytes, 0, 0);
    }

    #[inline(never)]
    fn end_with_extras<E: Env>(
        &self,
        extras: u32,
        group: &Group<M>,
        path: &Path<D>,
        in_flight: InFlight,
        env: &E,
        started: Option<u64>,
    ) {
        let is_timed = extras & extra::TIMED != 0;
        let now = if is_timed { env.now() } else { 0 };
        let start = started.unwrap_or(now);
        group
            .selector
            .end(&group.usable, path.index, in_flight.nr_bytes, start, now);
        if started.is_some() && extras & extra::LATENCIES != 0 {
            path.stats.took(now.saturating_sub(start));
        }
        path.unwatch(extras, &in_flight);
    }

    /// An I/O was not sent after all.
    pub(crate) fn take_back(&self, in_flight: InFlight) {
        if let Some(path) = self.path(in_flight.path) {
            self.cancel(path, in_flight.nr_bytes);
            path.stats.taken_back();
            path.unwatch(self.extras(), &in_flight);
        }
    }

    #[inline]
    fn extras(&self) -> u32 {
        self.extras.load(Ordering::Relaxed)
    }

    /// Whether anything is done for each I/O beside sending it. Most maps have nothing.
    #[inline]
    pub(crate) fn has_extras(&self) -> bool {
        self.extras() != 0
    }

    /// Whether a path has lower limits than the map.
    pub(crate) fn has_small_paths(&self) -> bool {
        self.extras() & extra::LIMITS != 0
    }

    /// Sets whether a path has lower limits than the map.
    pub(crate) fn set_small_paths(&self, small: bool) {
        if small {
            self.extras.fetch_or(extra::LIMITS, Ordering::Relaxed);
        } else {
            self.extras.fetch_and(!extra::LIMITS, Ordering::Relaxed);
        }
    }

    /// Whether it has to be known when an I/O is sent.
    #[inline]
    pub(crate) fn is_timed(&self) -> bool {
        self.extras() & extra::TIMED != 0
    }

    /// Measures latencies from now on, or does not any more.
    pub(crate) fn measure_latency(&self, measure: bool) {
        if measure {
            self.extras.fetch_or(extra::LATENCIES, Ordering::Relaxed);
        } else {
            self.extras.fetch_and(!extra::LATENCIES, Ordering::Relaxed);
        }
    }

    /// Starts the next slice of time and returns its number. To be called by one timer, every
    /// [`super::held::slice_msecs`] milliseconds, if the map has a deadline.
    pub(crate) fn next_slice(&self) -> u32 {
        self.slice.fetch_add(1, Ordering::Relaxed).wrapping_add(1)
    }

    /// Whether every usable path of the group that I/O goes to is busy, so that I/O had better
    /// wait. [`None`] if that needs [`State::busy`].
    #[inline]
    pub(crate) fn busy(&self, is_busy: impl FnMut(&D) -> bool) -> Option<bool> {
        if self.initialising.load(Ordering::Relaxed) != 0 {
            return Some(true);
        }
        let group = GroupId::from_number(self.open.load(Ordering::Acquire))?;
        Some(self.group_busy(group, is_busy))
    }

    #[inline]
    fn group_busy(&self, group: GroupId, mut is_busy: impl FnMut(&D) -> bool) -> bool {
        let Some(group) = self.group(group) else {
            return false;
        };
        let mut has_usable = false;
        for index in group.usable.iter() {
            has_usable = true;
            let path = self.path(PathId(group.first.saturating_add(index)));
            if path.is_some_and(|path| !is_busy(&path.device)) {
                return false;
            }
        }
        has_usable
    }
}
