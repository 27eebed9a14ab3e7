// SPDX-License-Identifier: GPL-2.0

//! How long a map that queues goes without a successful I/O, and what ends that.
//!
//! A path whose I/O failed is suspect. It may be reinstated, as by a checker whose command works while
//! reads and writes fail, but it stays suspect until an I/O of the map succeeds. A path that was taken out by a
//! message only, and is put back, is not suspect.
//!
//! The clock starts when the last path goes that is usable and not suspect, runs through any number of
//! reinstatements of suspect paths, and stops with a successful I/O or a path that is not suspect. When it
//! has run out and no path is usable, the map stops to queue. If a suspect path is usable just then, the I/O on
//! it may still succeed: it is what fails next that ends the queueing. From then on suspect paths get I/O, but
//! what fails on one of them is not tried on another.
//!
//! Nothing of this is counted on the I/O path: successes are what the counts of the paths say, which are looked
//! at when a path fails or returns, and when the clock has run out.

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

/// How far the clock is.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
enum Clock {
    /// It does not run.
    #[default]
    Stopped,
    /// It runs, and the timer with it.
    Running,
    /// It has run out while a suspect path was usable.
    RunOut,
    /// It has run out, and I/O is not kept any more.
    GivenUp,
}

/// The time without a successful I/O. Under the target's lock.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Outage {
    clock: Clock,
    /// The most successful I/Os of all paths that were ever seen: a look may find too few.
    successes: u64,
}

impl<M: Memory> State<M> {
    /// Sees whether an I/O has succeeded since the last look: then nothing is suspect.
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

    /// Starts or stops the clock, as the paths are now.
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

    /// A path is suspect, if its I/O failed.
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
            // Whoever asks for it gives the whole time anew.
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

    /// Paths on which I/O that failed elsewhere is to be tried.
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
