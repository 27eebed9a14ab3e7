// SPDX-License-Identifier: GPL-2.0

//! The state of a map: which group is used, which paths have failed, what is done without paths.
//!
//! The only place that takes a path out of use and puts it back. Every function is to be called
//! under the target's lock and with the map that the state was made with; none sleeps.
//!
//! Source: `drivers/md/dm-mpath.c`, whose `MPATHF_*` flags are the fields of [`State`].

use super::super::atomic::Ordering;
use super::super::block_status::Remaining;
use super::super::features::{
    Features,
    QueueMode, //
};
use super::super::memory::{
    Memory,
    OutOfMemory,
    Vector, //
};
use super::super::selector::Env;
use super::outage::{
    Blame,
    Outage, //
};
use super::pg_init::PgInit;
use super::queueing::{
    NoPath,
    Presuspend,
    Queueing,
    Suspension, //
};
use super::{
    Effects,
    GroupId,
    Lent,
    Map,
    PathChange,
    PathEvent,
    PathId, //
};

/// What changes of a group.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct GroupState {
    /// It is used only if no other group has a path.
    pub(super) bypassed: bool,
}

/// What changes of a path, but for whether it is usable.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct PathState {
    /// How often it failed.
    fail_count: u32,
    /// Its I/O failed, and no I/O of the map has succeeded since.
    pub(super) is_suspect: bool,
    /// It is to be initialised, or that is under way but has not started.
    pub(super) initialise: super::pg_init::Pending,
}

/// Where an I/O goes.
#[must_use]
pub(crate) enum Pick<'m, M: Memory, D> {
    /// To this path.
    Lent(Lent<'m, M, D>),
    /// Nowhere yet, the group is being initialised. A request is put back and tried again after a
    /// delay, a bio is kept by the target.
    Wait(Effects),
    /// There is no path: [`State::no_path`] says what to do.
    NoPath,
}

/// The state of a map.
///
/// # Invariants
///
/// Between calls, `open` of the map names `current` if I/O may go there, and no group otherwise.
pub(crate) struct State<M: Memory> {
    pub(super) groups: M::Vec<GroupState>,
    pub(super) paths: M::Vec<PathState>,
    pub(super) current: Option<GroupId>,
    /// The path that was chosen when the group was.
    pub(super) current_path: Option<PathId>,
    pub(super) next: Option<GroupId>,
    /// All I/O waits, until the group is initialised.
    pub(super) queue_io: bool,
    pub(super) queueing: Queueing,
    pub(super) outage: Outage,
    pub(super) pg_init: PgInit,
    pub(super) probe: super::ioctl::ProbeState,
}

impl<M: Memory> State<M> {
    /// The state of a new map.
    pub(super) fn new(
        features: &Features,
        groups: u32,
        paths: u32,
        next: Option<GroupId>,
    ) -> Result<Self, OutOfMemory> {
        Ok(Self {
            groups: Vector::of((0..groups).map(|_| GroupState::default()))?,
            paths: Vector::of((0..paths).map(|_| PathState::default()))?,
            current: None,
            current_path: None,
            next,
            queue_io: true,
            queueing: Queueing::new(features.queue_if_no_path),
            outage: Outage::default(),
            pg_init: PgInit::default(),
            probe: super::ioctl::ProbeState::default(),
        })
    }

    /// Tells the map where I/O may go without asking. Ends every change.
    pub(super) fn publish<D>(&self, map: &Map<M, D>) {
        let is_open = !self.queue_io && !self.pg_init.required;
        let open = match self.current {
            Some(group) if is_open => group.number(),
            _ => 0,
        };
        // INVARIANT: established here. Release pairs with the acquire in `Map::lend`.
        map.open.store(open, Ordering::Release);
        map.initialising
            .store(self.pg_init.in_progress, Ordering::Release);
    }

    // --- choice of a path -------------------------------------------------------------------

    /// Makes a group the current one.
    fn switch_to<D>(&mut self, map: &Map<M, D>, group: GroupId, path: PathId) {
        self.current_path = Some(path);
        self.current = Some(group);
        // With a handler, I/O waits until the group is initialised.
        let has_handler = map.handler.name().is_some();
        self.pg_init.required = has_handler;
        self.queue_io = has_handler;
        self.pg_init.count = 0;
    }

    /// Lends a path of a group, and makes it the current one.
    #[inline(never)]
    fn choose_in<'m, D, E: Env>(
        &mut self,
        map: &'m Map<M, D>,
        group: GroupId,
        env: &E,
        nr_bytes: u32,
    ) -> Option<Lent<'m, M, D>> {
        let lent = map.lend_in(group, env, nr_bytes)?;
        if self.current != Some(group) {
            self.switch_to(map, group, lent.path());
        }
        Some(lent)
    }

    /// Chooses a path: of the current group, else of the one that was asked for, else of the
    /// first group that is not bypassed, else of the first bypassed one.
    pub(super) fn choose<'m, D, E: Env>(
        &mut self,
        map: &'m Map<M, D>,
        env: &E,
        nr_bytes: u32,
    ) -> Option<Lent<'m, M, D>> {
        if map.valid_paths() == 0 {
            self.queue_io = false;
            self.forget_current();
            return None;
        }
        if let Some(group) = self.current {
            if let Some(lent) = self.choose_in(map, group, env, nr_bytes) {
                return Some(lent);
            }
        }
        if let Some(group) = self.next.take() {
            if let Some(lent) = self.choose_in(map, group, env, nr_bytes) {
                return Some(lent);
            }
        }
        for bypassed in [false, true] {
            for (group, _) in map.groups() {
                if self.is_bypassed(group) != bypassed {
                    continue;
                }
                if let Some(lent) = self.choose_in(map, group, env, nr_bytes) {
                    // Bypassed for a reason: do not hammer the controller.
                    if bypassed {
                        self.pg_init.delay_retry = true;
                    }
                    return Some(lent);
                }
            }
        }
        self.forget_current();
        None
    }

    pub(super) fn forget_current(&mut self) {
        self.current = None;
        self.current_path = None;
    }

    /// Lends a path for an I/O of `nr_bytes` bytes.
    pub(crate) fn lend<'m, D, E: Env>(
        &mut self,
        map: &'m Map<M, D>,
        env: &E,
        nr_bytes: u32,
    ) -> Pick<'m, M, D> {
        let waits = self.current_path.is_some() && self.queue_io;
        let lent = if waits {
            None
        } else {
            self.choose(map, env, nr_bytes)
        };
        let pick = if waits || (lent.is_some() && (self.queue_io || self.pg_init.required)) {
            // Not sent: the path does not count as used.
            drop(lent);
            Pick::Wait(self.initialise_group(map))
        } else {
            match lent {
                Some(lent) => Pick::Lent(lent),
                None => Pick::NoPath,
            }
        };
        self.publish(map);
        pick
    }

    /// What becomes of I/O for which no path is left.
    pub(crate) fn no_path<D>(&self, map: &Map<M, D>, suspension: &impl Suspension) -> NoPath {
        self.queueing.no_path(map.features.queue_mode, suspension)
    }

    /// What is left for I/O that failed with its path, when the path has been failed.
    pub(crate) fn remaining<D>(
        &mut self,
        map: &Map<M, D>,
        suspension: &impl Suspension,
    ) -> Remaining {
        Remaining {
            valid_paths: self.paths_to_try(map),
            no_path: self.no_path(map, suspension),
        }
    }

    /// Whether I/O had better wait, where [`Map::busy`] cannot say.
    pub(crate) fn busy<D>(&self, map: &Map<M, D>, is_busy: impl FnMut(&D) -> bool) -> bool {
        if self.pg_init.in_progress != 0 {
            return true;
        }
        if map.valid_paths() == 0 && self.queueing.is_on() {
            return map.features.queue_mode != QueueMode::Request;
        }
        // The group that the next I/O will probably go to.
        let group = match (self.current_path, self.next) {
            (None, Some(next)) => Some(next),
            _ => self.current,
        };
        group.is_some_and(|group| map.group_busy(group, is_busy))
    }

    // --- paths ------------------------------------------------------------------------------

    /// Takes a path out of use. From here it is lent to no I/O.
    pub(crate) fn fail_path<D>(&mut self, map: &Map<M, D>, path: PathId, blame: Blame) -> Effects {
        let effects = self.fail(map, path, blame);
        self.publish(map);
        effects
    }

    pub(super) fn fail<D>(&mut self, map: &Map<M, D>, id: PathId, blame: Blame) -> Effects {
        let Some((group, path)) = map.located(id) else {
            return Effects::default();
        };
        if !group.usable.is_usable(path.index) {
            self.blame(id, blame);
            return Effects::default();
        }
        self.before_failure(map);
        group.usable.fail(path.index);
        group.selector.path_failed(path.index);
        if let Some(state) = self.paths.get_mut(id.index()) {
            state.fail_count = state.fail_count.wrapping_add(1);
        }
        // INVARIANT: one less is usable. Not zero before, for this one was.
        let valid_paths = map.valid.fetch_sub(1, Ordering::AcqRel).saturating_sub(1);
        if self.current_path == Some(id) {
            self.current_path = None;
        }
        Effects {
            path: Some(PathEvent {
                path: id,
                change: PathChange::Failed,
                valid_paths,
            }),
            event: true,
            ..self.after_failure(map, id, blame)
        }
    }

    /// Puts a failed path back into use.
    pub(crate) fn reinstate_path<D>(&mut self, map: &Map<M, D>, id: PathId) -> Effects {
        let Some((group, path)) = map.located(id) else {
            return Effects::default();
        };
        let mut effects = Effects::default();
        if group.usable.is_usable(path.index) {
            return effects;
        }
        // The selector first: it never knows less paths than are usable.
        group.selector.path_reinstated(path.index);
        group.usable.reinstate(path.index);
        // INVARIANT: one more is usable.
        let valid_paths = map.valid.fetch_add(1, Ordering::AcqRel).saturating_add(1);
        if valid_paths == 1 {
            self.current_path = None;
            effects.run_queue = true;
            effects.process_queued = true;
        } else if map.handler.name().is_some() && self.current == Some(path.group) {
            effects = effects.and(self.initialise_path(id));
        }
        effects.path = Some(PathEvent {
            path: id,
            change: PathChange::Reinstated,
            valid_paths,
        });
        effects.event = true;
        effects.timer = self.after_reinstatement(map);
        self.publish(map);
        effects
    }

    /// How often a path failed.
    pub(crate) fn fail_count(&self, path: PathId) -> u32 {
        self.paths
            .get(path.index())
            .map(|path| path.fail_count)
            .unwrap_or_default()
    }

    // --- groups -----------------------------------------------------------------------------

    /// Whether a group is bypassed.
    pub(crate) fn is_bypassed(&self, group: GroupId) -> bool {
        self.groups
            .get(group.index())
            .is_some_and(|group| group.bypassed)
    }

    /// Bypasses a group, or does not any more (`disable_group`, `enable_group`).
    pub(crate) fn bypass_group<D>(
        &mut self,
        map: &Map<M, D>,
        group: GroupId,
        bypassed: bool,
    ) -> Effects {
        let effects = self.bypass(group, bypassed, true);
        self.publish(map);
        effects
    }

    pub(super) fn bypass(&mut self, group: GroupId, bypassed: bool, can_wait: bool) -> Effects {
        if let Some(group) = self.groups.get_mut(group.index()) {
            group.bypassed = bypassed;
        }
        if can_wait {
            self.leave_current();
        } else {
            self.forget_current();
        }
        Effects {
            event: true,
            ..Effects::default()
        }
    }

    /// Has the next I/O go to this group (`switch_group`). No group is bypassed any more.
    pub(crate) fn switch_group<D>(&mut self, map: &Map<M, D>, group: GroupId) -> Effects {
        for group in self.groups.iter_mut() {
            group.bypassed = false;
        }
        self.leave_current();
        self.next = Some(group).filter(|group| group.index() < self.groups.len());
        self.publish(map);
        Effects {
            event: true,
            ..Effects::default()
        }
    }

    /// The group that I/O goes to.
    pub(crate) const fn current(&self) -> Option<GroupId> {
        self.current
    }

    /// The group that was asked for.
    pub(crate) const fn next(&self) -> Option<GroupId> {
        self.next
    }

    /// Whether all I/O waits.
    pub(crate) const fn queues_io(&self) -> bool {
        self.queue_io
    }

    /// How often the current group's initialisation was started.
    pub(crate) const fn pg_init_count(&self) -> u32 {
        self.pg_init.count
    }

    // --- without paths ----------------------------------------------------------------------

    /// Whether I/O is kept while no path is left.
    pub(crate) const fn queues_if_no_path(&self) -> bool {
        self.queueing.is_on()
    }

    /// The messages `queue_if_no_path` and `fail_if_no_path`.
    pub(crate) fn set_queue_if_no_path<D>(&mut self, map: &Map<M, D>, queue: bool) -> Effects {
        let was_on = self.queueing.is_on();
        self.queueing.set(queue);
        if queue {
            return Effects {
                timer: self.queueing_turned_on(map, was_on),
                ..Effects::default()
            };
        }
        self.queueing_turned_off();
        Effects {
            run_queue: true,
            process_queued: true,
            ..Effects::default()
        }
    }

    /// The timer that a new map needs.
    pub(crate) fn started<D>(&mut self, map: &Map<M, D>) -> Effects {
        self.resumed(map)
    }

    /// The map is about to be suspended. If I/O has to be flushed, none is kept from here on.
    pub(crate) fn presuspend<D>(&mut self, map: &Map<M, D>, without_flush: bool) -> Effects {
        let mode = map.features.queue_mode;
        let change = self.queueing.presuspend(mode, without_flush);
        Effects {
            run_queue: change != Presuspend::Unchanged,
            process_queued: change != Presuspend::Unchanged,
            save_lost: change == Presuspend::AlreadySaved,
            ..Effects::default()
        }
    }

    /// The map is resumed.
    pub(crate) fn resume<D>(&mut self, map: &Map<M, D>) -> Effects {
        self.queueing.resume();
        self.resumed(map)
    }

    /// The suspension was called off. What was kept meanwhile is tried again.
    pub(crate) fn presuspend_undone<D>(&mut self, map: &Map<M, D>) -> Effects {
        Effects {
            process_queued: true,
            ..self.resume(map)
        }
    }

    /// Paths may have gone while nothing was kept.
    fn resumed<D>(&mut self, map: &Map<M, D>) -> Effects {
        let timer = if self.queueing.is_on() {
            self.queueing_turned_on(map, true)
        } else {
            None
        };
        Effects {
            timer,
            ..Effects::default()
        }
    }
}
