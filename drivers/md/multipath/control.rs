// SPDX-License-Identifier: GPL-2.0

//! Messages, changes of paths and groups, and what follows from them.

use kernel::prelude::*;
use kernel::time::Delta;
use storage::sync::SpinLockIrqGuard;
use storage::workqueue::WorkQueue;
use storage_dm::{
    dm_err,
    dm_warn,
    Activation,
    DeviceIndex,
    DeviceNumber,
    Live,
    MessageAnswer,
    PathEvent,
    Text,
    Words, //
};

use super::construct::{
    bytes_of,
    Name, //
};
use super::held::{
    begins_deadline,
    slice_msecs, //
};
use super::map::{
    self,
    Blame,
    DhResult,
    Effects,
    PathChange,
    PathId,
    TimerChange, //
};
use super::message::Message;
use super::selector::Env;
use super::status;
use super::target::{
    activation_of,
    Guarded,
    Multipath,
    System,
    BIOS,
    DEADLINE,
    EVENT,
    NOW,
    NO_PATH_TIMEOUT, //
};
use super::Shared;

/// The shortest time without a path that can be asked for: a second.
const SHORTEST_TIMEOUT_NSECS: u64 = 1_000_000_000;

impl Multipath {
    // --- what follows from a change -----------------------------------------------------------

    /// Carries out what follows from a change, and gives the lock back. Any context.
    pub(crate) fn settle(
        this: &Live<Self>,
        mut guard: SpinLockIrqGuard<'_, Guarded>,
        effects: Effects,
    ) {
        if let Some(event) = effects.path {
            Self::announce(this, &event);
            Self::set_fail_fast(this);
        }
        if effects.event {
            this.queue_job(EVENT, |shared| &shared.events, NOW);
        }
        if let Some(change) = effects.timer {
            Self::start_timeout(this, &mut guard, change);
        }
        if let Some(delay) = effects.initialise {
            let delay = Delta::from_millis(i64::from(delay));
            while let Some(path) = guard.state.next_to_initialise() {
                if let Some(index) = this.index_of(path) {
                    this.queue_job(activation_of(index), |shared| &shared.handlers, delay);
                }
            }
        }
        drop(guard);

        let name = Name(this.name().to_bytes());
        if effects.save_lost {
            dm_err!("{name}: QIFNP disabled but saved as enabled, saving again loses state, not saving!\n");
        }
        if effects.gave_up {
            dm_warn!("queue_if_no_path timeout on {name}, failing queued IO\n");
        }
        if let Some(code) = effects.handler_error {
            dm_err!("{name}: Could not failover device. Error {code}.\n");
        }
        if effects.run_queue {
            this.run_queue();
        }
        if effects.process_queued {
            Self::send_kept(this);
        }
        if effects.wake_waiters {
            this.initialised.notify_all();
        }
    }

    /// With `path_deadline_abort`, and while there is another path for it, I/O is sent so that it can be taken back
    /// from a path that holds it; without another, the device may try it again.
    pub(crate) fn set_fail_fast(this: &Live<Self>) {
        if this.map.features().path_deadline_abort {
            let on = this.map.valid_paths() > 1;
            this.devices()
                .iter()
                .for_each(|device| device.set_fail_fast(on));
        }
    }

    /// A line in the log and a uevent.
    fn announce(this: &Live<Self>, event: &map::PathEvent) {
        let device = this
            .index_of(event.path)
            .and_then(|index| this.device(index));
        let Some(device) = device else {
            return;
        };
        let (doing, news) = match event.change {
            PathChange::Failed => ("Failing", PathEvent::Failed),
            PathChange::Reinstated => ("Reinstating", PathEvent::Reinstated),
        };
        let map = Name(this.name().to_bytes());
        let path = Name(device.name().to_bytes());
        dm_warn!("{map}: {doing} path {path}.\n");
        this.path_event(news, device.name(), event.valid_paths);
    }

    /// Has what was kept tried again.
    fn send_kept(this: &Live<Self>) {
        if this.takes_bios() {
            this.queue_job(BIOS, |shared| &shared.bios, NOW);
        } else {
            this.kick_requeued();
        }
    }

    pub(crate) fn index_of(&self, path: PathId) -> Option<DeviceIndex> {
        Some(self.map.path(path)?.device().index())
    }

    /// Fails a path, once. Any context.
    pub(crate) fn fail_path(this: &Live<Self>, path: PathId) {
        let mut guard = this.lock();
        let effects = guard.state.fail_path(&this.map, path, Blame::Io);
        Self::settle(this, guard, effects);
    }

    // --- the time without paths ---------------------------------------------------------------

    fn start_timeout(this: &Live<Self>, guarded: &mut Guarded, change: TimerChange) {
        let seconds = match this.map.features().no_path_timeout_secs {
            Some(seconds) => u64::from(seconds),
            None => super::QUEUE_IF_NO_PATH_TIMEOUT_SECS.value(),
        };
        if seconds == 0 {
            if change == TimerChange::Start {
                // One that is still queued is of an outage before this one.
                guarded.timer_started_ns = None;
            }
            return;
        }
        let delay = Delta::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
        fn queue(shared: &Shared) -> &WorkQueue {
            &shared.clock
        }
        let is_started = match change {
            TimerChange::StartUnlessQueued if guarded.timer_started_ns.is_some() => {
                this.queue_job(NO_PATH_TIMEOUT, queue, delay)
            }
            TimerChange::Start | TimerChange::StartUnlessQueued => {
                this.requeue_job(NO_PATH_TIMEOUT, queue, delay);
                true
            }
        };
        if is_started {
            guarded.timer_started_ns = Some(System.now());
        }
    }

    pub(crate) fn no_path_timeout(this: &Live<Self>) {
        let mut guard = this.lock();
        let Some(started) = guard.timer_started_ns else {
            // The outage of now has no timer.
            return;
        };
        let elapsed = System.now().saturating_sub(started);
        if elapsed < SHORTEST_TIMEOUT_NSECS / 2 {
            // It was restarted while this waited for the lock, and will expire again.
            return;
        }
        let effects = guard.state.no_path_timeout(&this.map);
        Self::settle(this, guard, effects);
    }

    // --- the deadline of paths ----------------------------------------------------------------

    /// Looks at the paths again when the next slice of time begins, if the map has a deadline.
    pub(crate) fn watch_later(this: &Live<Self>) {
        if let Some(deadline) = this.map.features().path_deadline_msecs {
            let delay = Delta::from_millis(i64::from(slice_msecs(deadline)));
            this.queue_job(DEADLINE, |shared| &shared.clock, delay);
        }
    }

    /// Fails the paths that hold an I/O past the deadline, so that new I/O goes elsewhere at once.
    ///
    /// What is held is sent elsewhere only when its command has ended, and never beside it. That a path
    /// is late does not say that it has lost the command: a late write could land over a newer one, a late
    /// read in memory that was given back. With `path_deadline_abort` the device's driver is asked to end
    /// such commands, if there is another path: at once, and once in each deadline from then on, as it may
    /// put that off.
    pub(crate) fn watch(this: &Live<Self>) {
        let slice = this.map.next_slice();
        let features = this.map.features();
        let deadline = features.path_deadline_msecs.unwrap_or(0);
        for (id, path) in this.map.paths() {
            let fails = path.watch().is_overdue(slice) && this.map.is_usable(id);
            if fails {
                let map = Name(this.name().to_bytes());
                let name = path.device().name_of();
                dm_warn!("{map}: path {name} holds I/O for more than {deadline} ms\n");
                Self::fail_path(this, id);
            }
            // A path that has failed, for whatever reason, may hold I/O that nobody else asks for.
            let asks = fails || (!this.map.is_usable(id) && begins_deadline(slice));
            if features.path_deadline_abort && asks && this.map.valid_paths() != 0 {
                if let Some(device) = this.device(path.device().index()) {
                    device.give_up_held(deadline);
                }
            }
        }
        Self::watch_later(this);
    }

    // --- activation by the hardware handler ---------------------------------------------------

    /// The turn of a path has come. May sleep.
    pub(crate) fn activate(this: &Live<Self>, index: DeviceIndex) {
        let mut paths = this.map.paths();
        let Some((path, _)) = paths.find(|(_, path)| path.device().index() == index) else {
            return;
        };
        let wanted = this.lock().state.start_activation(&this.map, path);
        let dying = this.device(index).is_none_or(|device| device.is_dying());
        if wanted == map::Activation::Activate && !dying {
            this.activate(index);
        } else {
            Self::activation_ended(this, index, Activation::OFFLINED);
        }
    }

    pub(crate) fn activation_ended(this: &Live<Self>, index: DeviceIndex, outcome: Activation) {
        let mut paths = this.map.paths();
        let Some((path, _)) = paths.find(|(_, path)| path.device().index() == index) else {
            return;
        };
        let result = i32::try_from(outcome.code()).unwrap_or(i32::MAX);
        let mut guard = this.lock();
        let effects = guard
            .state
            .pg_init_done(&this.map, path, DhResult::from_i32(result));
        Self::settle(this, guard, effects);
    }

    /// Waits for all that runs behind I/O. Sleeps.
    pub(crate) fn flush(this: &Live<Self>) {
        let mut guard = this.lock();
        if guard.state.begin_flush() {
            drop(guard);
            this.shared().handlers.flush();
            guard = this.lock();
            while guard.state.is_initialising() {
                this.initialised.wait(&mut guard);
            }
            guard.state.end_flush();
        }
        drop(guard);
        if this.takes_bios() {
            this.flush_job(BIOS);
        }
        this.flush_job(EVENT);
    }

    // --- messages -----------------------------------------------------------------------------

    pub(crate) fn obey(
        this: &Live<Self>,
        words: Words<'_>,
        reply: &mut Text<'_>,
    ) -> Result<MessageAnswer> {
        let _control = this.control.lock();
        if this.is_suspended() {
            return Err(EBUSY);
        }
        let words = bytes_of(words)?;
        let message = Message::parse(&words, this.map.nr_groups()).map_err(|error| {
            dm_warn!("{}\n", error);
            Error::from_errno(-error.errno().as_i32())
        })?;
        let mut guard = this.lock();
        let map = &this.map;
        let effects = match message {
            Message::QueueIfNoPath => guard.state.set_queue_if_no_path(map, true),
            Message::FailIfNoPath => guard.state.set_queue_if_no_path(map, false),
            Message::DisableGroup(group) => guard.state.bypass_group(map, group, true),
            Message::EnableGroup(group) => guard.state.bypass_group(map, group, false),
            Message::SwitchGroup(group) => guard.state.switch_group(map, group),
            Message::FailPath(word) => {
                drop(guard);
                return Self::for_device(this, word, PathChange::Failed);
            }
            Message::ReinstatePath(word) => {
                drop(guard);
                return Self::for_device(this, word, PathChange::Reinstated);
            }
            Message::StatsLatency(measure) => {
                map.measure_latency(measure);
                return Ok(MessageAnswer::Done);
            }
            Message::Stats => {
                drop(guard);
                return status::write_stats(map, "", reply)
                    .map(|()| MessageAnswer::Reply)
                    .map_err(|_| EINVAL);
            }
        };
        Self::settle(this, guard, effects);
        Ok(MessageAnswer::Done)
    }

    /// Fails or reinstates all paths over a device.
    fn for_device(this: &Live<Self>, word: &[u8], change: PathChange) -> Result<MessageAnswer> {
        let number = DeviceNumber::from_word(word)
            .inspect_err(|_| dm_warn!("message: error getting device {}\n", Name(word)))?;
        let mut found = false;
        for (path, of) in this.map.paths() {
            let device = this.device(of.device().index());
            if device.is_none_or(|device| device.number() != number) {
                continue;
            }
            found = true;
            let mut guard = this.lock();
            let effects = match change {
                PathChange::Failed => guard.state.fail_path(&this.map, path, Blame::Message),
                PathChange::Reinstated => guard.state.reinstate_path(&this.map, path),
            };
            Self::settle(this, guard, effects);
        }
        if found {
            Ok(MessageAnswer::Done)
        } else {
            Err(EINVAL)
        }
    }
}
