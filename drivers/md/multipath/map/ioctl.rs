// SPDX-License-Identifier: GPL-2.0

//! Ioctls: which path one goes to, and the probing of paths.
//!
//! Source: `multipath_prepare_ioctl`, `probe_active_paths` in `drivers/md/dm-mpath.c`.

use super::super::errno::Errno;
use super::super::memory::Memory;
use super::super::selector::Env;
use super::{
    Effects,
    GroupId,
    Map,
    PathId,
    State, //
};

/// Where an ioctl goes.
#[must_use]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum IoctlPath {
    /// To the device of this path.
    Path(PathId),
    /// Nowhere.
    None {
        /// `ENOTCONN` if there may be a path later, else `EIO`.
        errno: Errno,
        /// What has to be done.
        effects: Effects,
    },
}

/// What is to be probed.
#[must_use]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Probe {
    /// Another probe is under way: wait until [`State::end_probe`] was called, then begin again.
    Wait,
    /// Nothing; the answer is [`State::probe_result`].
    Nothing,
    /// The usable paths of this group, as long as it is the current one; then
    /// [`State::end_probe`].
    Group(GroupId),
}

/// How far a probe is.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct ProbeState {
    /// A probe is under way; the group is not left meanwhile as long as it has paths.
    is_running: bool,
    /// The group is to be left then.
    leave_group: bool,
    /// The group that was probed last.
    last: Option<GroupId>,
}

impl<M: Memory> State<M> {
    /// Where an ioctl goes.
    pub(crate) fn prepare_ioctl<D, E: Env>(&mut self, map: &Map<M, D>, env: &E) -> IoctlPath {
        let path = match self.current_path {
            Some(path) if self.queue_io => Some(path),
            _ => self.choose(map, env, 0).map(|lent| lent.path()),
        };
        let errno = match path {
            Some(path) if !self.queue_io => {
                self.publish(map);
                return IoctlPath::Path(path);
            }
            // The group is not initialised yet.
            Some(_) => Errno::ENOTCONN,
            None if self.queueing.will_be_on() => Errno::ENOTCONN,
            None => Errno::EIO,
        };
        let mut effects = Effects::default();
        if errno == Errno::ENOTCONN {
            if self.current.is_none() {
                // The paths have changed: choose once more, for the group.
                drop(self.choose(map, env, 0));
            }
            if self.pg_init.required {
                effects = self.initialise_group(map);
            }
            effects.run_queue = true;
            effects.process_queued = true;
        }
        self.publish(map);
        IoctlPath::None { errno, effects }
    }

    /// Begins to probe the current group. `waited` says that the caller has waited for another
    /// probe to end.
    pub(crate) fn begin_probe(&mut self, waited: bool, suspended: bool) -> Probe {
        if self.probe.is_running {
            return Probe::Wait;
        }
        if waited && self.current == self.probe.last {
            // The other probe has just done that.
            return Probe::Nothing;
        }
        match self.current {
            Some(group) if !suspended && !self.queue_io => {
                self.probe.is_running = true;
                self.probe.last = Some(group);
                Probe::Group(group)
            }
            _ => Probe::Nothing,
        }
    }

    /// The probe that [`Probe::Group`] began has ended. Those who wait for it are to be woken.
    pub(crate) fn end_probe<D>(&mut self, map: &Map<M, D>) {
        self.probe.is_running = false;
        if self.probe.leave_group {
            self.probe.leave_group = false;
            self.forget_current();
        }
        self.publish(map);
    }

    /// The answer to a probe.
    ///
    /// # Errors
    ///
    /// `ENOTCONN` if no path is usable, in any group.
    pub(crate) fn probe_result<D>(&self, map: &Map<M, D>) -> Result<(), Errno> {
        if map.valid_paths() == 0 {
            Err(Errno::ENOTCONN)
        } else {
            Ok(())
        }
    }

    /// Leaves the current group, at once or when the probe under way has ended.
    pub(super) fn leave_current(&mut self) {
        if self.probe.is_running {
            self.probe.leave_group = true;
        } else {
            self.forget_current();
        }
    }
}
