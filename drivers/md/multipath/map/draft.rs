// SPDX-License-Identifier: GPL-2.0

//! A map while its table is parsed.

use super::super::atomic::AtomicU32;
use super::super::features::Features;
use super::super::handler::Handler;
use super::super::held::Watch;
use super::super::memory::{
    Memory,
    OutOfMemory,
    Vector, //
};
use super::super::selector::Selector;
use super::super::stats::PathStats;
use super::{
    extra,
    Group,
    GroupId,
    Map,
    Path,
    State,
    Usable, //
};

/// A map whose paths are still being added.
pub(crate) struct MapDraft<M: Memory, D> {
    features: Features,
    handler: Handler<M>,
    groups: M::Vec<Group<M>>,
    paths: M::Vec<Path<D>>,
    /// Paths of the groups that are complete.
    grouped: u32,
}

impl<M: Memory, D> MapDraft<M, D> {
    /// No groups.
    pub(crate) fn new(features: Features, handler: Handler<M>) -> Self {
        Self {
            features,
            handler,
            groups: Vector::empty(),
            paths: Vector::empty(),
            grouped: 0,
        }
    }

    /// The features.
    pub(crate) const fn features(&self) -> &Features {
        &self.features
    }

    /// The hardware handler.
    pub(crate) fn handler_mut(&mut self) -> &mut Handler<M> {
        &mut self.handler
    }

    /// The number of groups that are complete.
    pub(crate) fn groups(&self) -> u32 {
        self.groups.len() as u32
    }

    /// The devices so far.
    pub(crate) fn devices(&self) -> impl Iterator<Item = &D> {
        self.paths.iter().map(Path::device)
    }

    /// Adds a path to the group that is next to be complete.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`].
    pub(crate) fn add_path(&mut self, device: D) -> Result<(), OutOfMemory> {
        self.paths.append(Path {
            device,
            group: GroupId(self.groups()),
            index: (self.paths.len() as u32).saturating_sub(self.grouped),
            stats: PathStats::new(),
            watch: Watch::new(),
        })
    }

    /// Completes a group of the last `paths` paths.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`].
    pub(crate) fn add_group(
        &mut self,
        selector: Selector<M>,
        paths: u32,
    ) -> Result<(), OutOfMemory> {
        let first = self.grouped;
        self.grouped = first.saturating_add(paths);
        self.groups.append(Group {
            usable: Usable::new(paths),
            selector,
            first,
        })
    }

    /// The map, with `first` to be used first.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`].
    pub(crate) fn finish(
        self,
        first: Option<GroupId>,
    ) -> Result<(Map<M, D>, State<M>), OutOfMemory> {
        // A number beyond the last group asks for none.
        let first = first.filter(|group| group.0 < self.groups());
        let state = State::new(&self.features, self.groups(), self.grouped, first)?;
        let needs_times = |group: &Group<M>| group.selector.kind().uses_hr_timer();
        let mut extras = 0;
        if self.groups.iter().any(needs_times) {
            extras |= extra::TIMES;
        }
        if self.features.path_deadline_msecs.is_some() {
            extras |= extra::DEADLINE;
        }
        // INVARIANT: every path is usable, and no group is open.
        let map = Map {
            features: self.features,
            handler: self.handler,
            groups: self.groups,
            paths: self.paths,
            valid: AtomicU32::new(self.grouped),
            open: AtomicU32::new(0),
            initialising: AtomicU32::new(0),
            extras: AtomicU32::new(extras),
            slice: AtomicU32::new(0),
        };
        Ok((map, state))
    }
}
