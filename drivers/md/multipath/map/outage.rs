// SPDX-License-Identifier: GPL-2.0

//! How long a map that queues goes without a successful I/O, and what ends that.
//!
//! A path whose I/O failed is suspect. It may be reinstated, as by a checker whose command works while
//! reads and writes fail, but it stays suspect until an I/O of the map succeeds. A path that was taken out by a
//! message only, and is put back, is not suspect.
//!
//! The clock starts when no usable path is left that is not suspect. It keeps running while suspect paths are
//! reinstated, and stops when an I/O succeeds or a path that is not suspect is usable. If no path is usable
//! when it expires, the map stops queueing. If a suspect path is usable at that time, the I/O on it may still
//! succeed, so the map stops queueing only when the next path fails. From then on suspect paths get I/O, but
//! I/O that fails on one of them is not tried on another.
//!
//! The I/O path counts nothing for this: whether I/O has succeeded is read from the statistics of the paths
//! when a path fails or is reinstated, and when the clock has expired.

use super::super::memory::Memory;
use super::{
    Effects,
    Map,
    PathId,
    State,
    TimerChange, //
};

/// Why a path is taken out of use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Blame {
    /// Its I/O failed, or was held for too long, or its initialisation failed.
    Io,
    /// A message asked for it.
    Message,
}

/// The state of the clock.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
enum Clock {
    /// It does not run.
    #[default]
    Stopped,
    /// It runs, and the timer with it.
    Running,
    /// It has expired while a suspect path was usable.
    RunOut,
    /// It has expired, and I/O is no longer queued.
    GivenUp,
}

/// The time without a successful I/O. Under the target's lock.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Outage {
    clock: Clock,
    /// The highest count of successful I/Os that was read so far: a later read may return less.
    successes: u64,
}

impl<M: Memory> State<M> {
    /// Checks whether an I/O has succeeded since the last check: then no path is suspect.
    fn look_for_success<D>(&mut self, map: &Map<M, D>) {
        let successes = map.successes();
        if successes <= self.outage.successes {
            return;
        }
        self.outage.successes = successes;
        self.outage.clock = Clock::Stopped;
        for path in self.paths.iter_mut() {
            path.is_suspect = false;
        }
    }

    /// Whether there is a usable path that is not suspect.
    fn has_sound_path<D>(&self, map: &Map<M, D>) -> bool {
        let mut paths = map.paths().zip(self.paths.iter());
        paths.any(|((id, _), path)| !path.is_suspect && map.is_usable(id))
    }

    /// Starts or stops the clock, by the present state of the paths.
    fn set_clock<D>(&mut self, map: &Map<M, D>) -> Option<TimerChange> {
        if self.has_sound_path(map) {
            self.outage.clock = Clock::Stopped;
        } else if self.outage.clock == Clock::Stopped && self.queueing.is_on() {
            self.outage.clock = Clock::Running;
            return Some(TimerChange::Start);
        }
        None
    }

    /// A path is about to be taken out of use.
    pub(super) fn before_failure<D>(&mut self, map: &Map<M, D>) {
        self.look_for_success(map);
    }

    /// A path was taken out of use, after [`State::before_failure`].
    pub(super) fn after_failure<D>(
        &mut self,
        map: &Map<M, D>,
        id: PathId,
        blame: Blame,
    ) -> Effects {
        self.blame(id, blame);
        let timer = self.set_clock(map);
        if self.outage.clock == Clock::RunOut {
            return self.give_up();
        }
        Effects {
            timer,
            ..Effects::default()
        }
    }

    /// Marks a path as suspect if its I/O failed.
    pub(super) fn blame(&mut self, id: PathId, blame: Blame) {
        if let Some(path) = self.paths.get_mut(id.index()) {
            path.is_suspect |= blame == Blame::Io;
        }
    }

    /// A path was put back into use.
    pub(super) fn after_reinstatement<D>(&mut self, map: &Map<M, D>) -> Option<TimerChange> {
        self.look_for_success(map);
        self.set_clock(map)
    }

    /// `queue_if_no_path` was turned on, or has come back.
    pub(super) fn queueing_turned_on<D>(
        &mut self,
        map: &Map<M, D>,
        was_on: bool,
    ) -> Option<TimerChange> {
        self.look_for_success(map);
        if !was_on {
            // Turning it on restarts the timeout.
            self.outage.clock = Clock::Stopped;
        }
        let timer = self.set_clock(map);
        match self.outage.clock {
            // No timer may have been wanted when the clock was started.
            Clock::Running => timer.or(Some(TimerChange::StartUnlessQueued)),
            Clock::Stopped | Clock::RunOut | Clock::GivenUp => timer,
        }
    }

    /// `queue_if_no_path` was turned off.
    pub(super) fn queueing_turned_off(&mut self) {
        if self.outage.clock != Clock::GivenUp {
            self.outage.clock = Clock::Stopped;
        }
    }

    /// The timer has run out.
    pub(crate) fn no_path_timeout<D>(&mut self, map: &Map<M, D>) -> Effects {
        self.look_for_success(map);
        let timer = self.set_clock(map);
        if self.outage.clock == Clock::Running && timer.is_none() {
            if map.valid_paths() == 0 {
                return self.give_up();
            }
            self.outage.clock = Clock::RunOut;
        }
        Effects {
            timer,
            ..Effects::default()
        }
    }

    fn give_up(&mut self) -> Effects {
        self.outage.clock = Clock::GivenUp;
        self.queueing.set(false);
        Effects {
            run_queue: true,
            process_queued: true,
            gave_up: true,
            ..Effects::default()
        }
    }

    /// How many paths I/O that failed on another path is to be tried on.
    pub(super) fn paths_to_try<D>(&mut self, map: &Map<M, D>) -> u32 {
        if self.outage.clock == Clock::GivenUp {
            self.look_for_success(map);
            if !self.has_sound_path(map) {
                return 0;
            }
        }
        map.valid_paths()
    }
}
