// SPDX-License-Identifier: GPL-2.0

//! What has to be done after the state of a map has changed.

use super::PathId;

/// What happened to a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum PathChange {
    /// It is out of use (`PATH_FAILED`).
    Failed,
    /// It is in use again (`PATH_REINSTATED`).
    Reinstated,
}

/// A path has changed: worth a line in the log and a uevent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct PathEvent {
    /// The path.
    pub(crate) path: PathId,
    /// What happened.
    pub(crate) change: PathChange,
    /// The number of usable paths then (`DM_NR_VALID_PATHS`).
    pub(crate) valid_paths: u32,
}

/// What to do with the timer that ends `queue_if_no_path`. It is never stopped: if it expires when it is no
/// longer needed, nothing happens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TimerChange {
    /// Restart it, unless the timeout is zero.
    Start,
    /// Start it if it is not queued, unless the timeout is zero.
    StartUnlessQueued,
}

/// What has to be done after a change. The order does not matter.
#[must_use]
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Effects {
    /// A log line and a uevent.
    pub(crate) path: Option<PathEvent>,
    /// Tell user space that the map has changed (`dm_table_event`, from a work item).
    pub(crate) event: bool,
    /// Have device-mapper run its queue (`dm_table_run_md_queue_async`).
    pub(crate) run_queue: bool,
    /// Send what was put back or queued: kick the requeue list, or the work that sends bios.
    pub(crate) process_queued: bool,
    /// The timer of `queue_if_no_path`.
    pub(crate) timer: Option<TimerChange>,
    /// Milliseconds after which the initialisation of paths is to start. Which ones is asked with
    /// [`super::State::next_to_initialise`].
    pub(crate) initialise: Option<u32>,
    /// Wake who waits for initialisations to end.
    pub(crate) wake_waiters: bool,
    /// `queue_if_no_path` was to be saved while it was saved already: worth a line in the log.
    pub(crate) save_lost: bool,
    /// The time without a path is over, and nothing is kept any more: worth a line in the log.
    pub(crate) gave_up: bool,
    /// A group could not be initialised: this result is worth a line in the log.
    pub(crate) handler_error: Option<i32>,
}

impl Effects {
    /// Both. Where each has a value, the later one counts.
    pub(crate) fn and(self, later: Self) -> Self {
        Self {
            path: later.path.or(self.path),
            event: self.event || later.event,
            run_queue: self.run_queue || later.run_queue,
            process_queued: self.process_queued || later.process_queued,
            timer: later.timer.or(self.timer),
            initialise: later.initialise.or(self.initialise),
            wake_waiters: self.wake_waiters || later.wake_waiters,
            save_lost: self.save_lost || later.save_lost,
            gave_up: self.gave_up || later.gave_up,
            handler_error: later.handler_error.or(self.handler_error),
        }
    }
}
