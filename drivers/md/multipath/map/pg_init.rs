// SPDX-License-Identifier: GPL-2.0

//! Initialisation of a group by its hardware handler, before I/O goes to it.
//!
//! Source: `__pg_init_all_paths`, `pg_init_done` in `drivers/md/dm-mpath.c`, `scsi/scsi_dh.h`.

use super::super::memory::Memory;
use super::outage::Blame;
use super::{
    Effects,
    Map,
    PathId,
    State, //
};

/// Milliseconds before an initialisation is tried again, if the table does not say.
const DEFAULT_DELAY_MSECS: u32 = 2000;

/// How far the initialisation of the current group is.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct PgInit {
    /// It has to be started.
    pub(super) required: bool,
    /// It must not be started: the map waits for those under way to end.
    disabled: bool,
    /// The next one is delayed.
    pub(super) delay_retry: bool,
    /// Paths whose initialisation has not ended.
    pub(super) in_progress: u32,
    /// How often it was started since the group was switched to.
    pub(super) count: u32,
}

/// Whether a path's initialisation waits for its turn.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) enum Pending {
    /// No.
    #[default]
    No,
    /// It is to be queued: [`State::next_to_initialise`] gives it out.
    Wanted,
    /// It is queued.
    Queued,
}

/// What a path's initialisation has to do when its turn has come.
#[must_use]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Activation {
    /// Activate the path by its handler, and report the result; if its queue is dying, report
    /// [`DhResult::DevOfflined`] instead.
    Activate,
    /// The path has failed: report [`DhResult::DevOfflined`].
    Offline,
}

/// The result of a hardware handler (`SCSI_DH_*`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum DhResult {
    /// Done.
    Ok,
    /// The controller is busy with something else.
    DevTempBusy,
    /// Try again, but not at once.
    Retry,
    /// Try again at once.
    ImmRetry,
    /// The controller is out of something; try again.
    ResTempUnavail,
    /// The device is offline.
    DevOfflined,
    /// There is no handler.
    NoSys,
    /// Any other result, all of which are errors.
    Other(i32),
}

impl DhResult {
    const OK: i32 = 0;
    const DEV_TEMP_BUSY: i32 = 2;
    const RETRY: i32 = 10;
    const IMM_RETRY: i32 = 11;
    const RES_TEMP_UNAVAIL: i32 = 13;
    const DEV_OFFLINED: i32 = 14;
    const NOSYS: i32 = 16;

    /// The result of this value; any value is one.
    pub(crate) const fn from_i32(value: i32) -> Self {
        match value {
            Self::OK => Self::Ok,
            Self::DEV_TEMP_BUSY => Self::DevTempBusy,
            Self::RETRY => Self::Retry,
            Self::IMM_RETRY => Self::ImmRetry,
            Self::RES_TEMP_UNAVAIL => Self::ResTempUnavail,
            Self::DEV_OFFLINED => Self::DevOfflined,
            Self::NOSYS => Self::NoSys,
            other => Self::Other(other),
        }
    }

    /// Its value.
    pub(crate) const fn as_i32(self) -> i32 {
        match self {
            Self::Ok => Self::OK,
            Self::DevTempBusy => Self::DEV_TEMP_BUSY,
            Self::Retry => Self::RETRY,
            Self::ImmRetry => Self::IMM_RETRY,
            Self::ResTempUnavail => Self::RES_TEMP_UNAVAIL,
            Self::DevOfflined => Self::DEV_OFFLINED,
            Self::NoSys => Self::NOSYS,
            Self::Other(value) => value,
        }
    }
}

impl<M: Memory> State<M> {
    /// Starts the initialisation of every usable path of the current group, unless one is under
    /// way.
    pub(super) fn initialise_group<D>(&mut self, map: &Map<M, D>) -> Effects {
        if self.pg_init.in_progress != 0 || self.pg_init.disabled {
            return Effects::default();
        }
        self.pg_init.count = self.pg_init.count.wrapping_add(1);
        self.pg_init.required = false;
        let Some(group) = self.current.and_then(|group| map.group(group)) else {
            return Effects::default();
        };
        for path in group.path_ids().filter(|path| map.is_usable(*path)) {
            self.want(path);
        }
        let delay = if self.pg_init.delay_retry {
            let delay = map.features.pg_init_delay_msecs;
            delay.unwrap_or(DEFAULT_DELAY_MSECS)
        } else {
            0
        };
        Effects {
            initialise: (self.pg_init.in_progress != 0).then_some(delay),
            ..Effects::default()
        }
    }

    /// Starts the initialisation of one path.
    pub(super) fn initialise_path(&mut self, path: PathId) -> Effects {
        self.want(path);
        Effects {
            initialise: Some(0),
            ..Effects::default()
        }
    }

    fn want(&mut self, path: PathId) {
        if let Some(path) = self.paths.get_mut(path.index()) {
            if path.initialise == Pending::No {
                path.initialise = Pending::Wanted;
                self.pg_init.in_progress = self.pg_init.in_progress.saturating_add(1);
            }
        }
    }

    /// The next path whose initialisation is to be queued, after [`Effects::initialise`]. Ends
    /// with [`None`].
    pub(crate) fn next_to_initialise(&mut self) -> Option<PathId> {
        let mut paths = (0u32..).map(PathId).zip(self.paths.iter_mut());
        let (id, path) = paths.find(|(_, path)| path.initialise == Pending::Wanted)?;
        path.initialise = Pending::Queued;
        Some(id)
    }

    /// The turn of a queued path has come; it may be queued again from here.
    pub(crate) fn start_activation<D>(&mut self, map: &Map<M, D>, id: PathId) -> Activation {
        if let Some(path) = self.paths.get_mut(id.index()) {
            path.initialise = Pending::No;
        }
        if map.is_usable(id) {
            Activation::Activate
        } else {
            Activation::Offline
        }
    }

    /// A path was found offline while I/O was mapped to it.
    pub(crate) fn offline<D>(&mut self, map: &Map<M, D>, path: PathId) -> Effects {
        self.pg_init.in_progress = self.pg_init.in_progress.saturating_add(1);
        self.pg_init_done(map, path, DhResult::DevOfflined)
    }

    /// Whether the group has been initialised as often as it may; else it will be once more.
    fn limit_reached(&mut self, retries: u32) -> bool {
        let is_reached = self.pg_init.count > retries || self.pg_init.disabled;
        if !is_reached {
            self.pg_init.required = true;
        }
        is_reached
    }

    /// The initialisation of a path has ended.
    pub(crate) fn pg_init_done<D>(
        &mut self,
        map: &Map<M, D>,
        id: PathId,
        result: DhResult,
    ) -> Effects {
        let effects = self.initialised(map, id, result);
        self.publish(map);
        effects
    }

    fn initialised<D>(&mut self, map: &Map<M, D>, id: PathId, result: DhResult) -> Effects {
        let Some(group) = map.path(id).map(|path| path.group) else {
            return Effects::default();
        };
        let mut effects = Effects::default();
        let is_error = match result {
            DhResult::Ok => false,
            DhResult::NoSys if map.handler.name().is_none() => false,
            DhResult::NoSys => {
                // So that paths do not take turns.
                effects = self.fail(map, id, Blame::Io);
                effects.handler_error = Some(result.as_i32());
                true
            }
            DhResult::DevTempBusy => {
                effects = self.bypass(group, true, false);
                true
            }
            DhResult::Retry | DhResult::ImmRetry | DhResult::ResTempUnavail => {
                if self.limit_reached(map.features.pg_init_retries) {
                    effects = self.fail(map, id, Blame::Io);
                }
                false
            }
            DhResult::DevOfflined | DhResult::Other(_) => {
                effects = self.fail(map, id, Blame::Io);
                true
            }
        };

        if is_error {
            if self.current_path == Some(id) {
                effects.handler_error = Some(result.as_i32());
                self.forget_current();
            }
        } else if !self.pg_init.required {
            if let Some(group) = self.groups.get_mut(group.index()) {
                group.bypassed = false;
            }
        }

        self.pg_init.in_progress = self.pg_init.in_progress.saturating_sub(1);
        if self.pg_init.in_progress != 0 {
            return effects;
        }
        if self.pg_init.required {
            self.pg_init.delay_retry = result == DhResult::Retry;
            effects = effects.and(self.initialise_group(map));
            if self.pg_init.in_progress != 0 {
                return effects;
            }
        }
        self.queue_io = false;
        effects.process_queued = true;
        effects.wake_waiters = true;
        effects
    }

    /// Whether initialisations are under way.
    pub(crate) const fn is_initialising(&self) -> bool {
        self.pg_init.in_progress != 0
    }

    /// Lets no initialisation start any more, if some are under way. True if the caller has to
    /// wait for them, and then to call [`State::end_flush`].
    pub(crate) fn begin_flush(&mut self) -> bool {
        if self.pg_init.in_progress == 0 || self.pg_init.disabled {
            return false;
        }
        self.pg_init.disabled = true;
        true
    }

    /// Initialisations may start again.
    pub(crate) fn end_flush(&mut self) {
        self.pg_init.disabled = false;
    }
}
