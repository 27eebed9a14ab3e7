// SPDX-License-Identifier: GPL-2.0

//! Ioctls: to which path they go, and the one that probes paths.

use kernel::prelude::*;
use storage_dm::{
    DeviceIndex,
    Live,
    TaskContext, //
};

use super::block_status::PathVerdict;
use super::map::{
    GroupId,
    IoctlPath,
    Probe, //
};
use super::target::{
    Multipath,
    System, //
};

impl Multipath {
    /// The device that an ioctl goes to.
    ///
    /// # Errors
    ///
    /// - `ENOTCONN` if there may be one later.
    /// - `EIO` if there is none.
    pub(crate) fn path_for_ioctl(this: &Live<Self>) -> Result<DeviceIndex> {
        let mut guard = this.lock();
        match guard.state.prepare_ioctl(&this.map, &System) {
            IoctlPath::Path(path) => this.index_of(path).ok_or(EIO),
            IoctlPath::None { errno, effects } => {
                Self::settle(this, guard, effects);
                Err(Error::from_errno(-errno.as_i32()))
            }
        }
    }

    /// Probes the usable paths of the current group. Sleeps.
    ///
    /// # Errors
    ///
    /// - `ENOTCONN` if no path is left, in any group.
    /// - `ENOMEM` if there is no memory to read into.
    pub(crate) fn probe(this: &Live<Self>, task: &TaskContext) -> Result {
        let mut waited = false;
        let mut guard = this.lock();
        let group = loop {
            match guard.state.begin_probe(waited, this.is_suspended()) {
                Probe::Wait => {
                    this.probed.wait(&mut guard);
                    waited = true;
                }
                Probe::Nothing => break None,
                Probe::Group(group) => break Some(group),
            }
        };
        let mut probed = Ok(());
        if let Some(group) = group {
            drop(guard);
            probed = Self::probe_group(this, group, task);
            guard = this.lock();
            guard.state.end_probe(&this.map);
        }
        let result = guard.state.probe_result(&this.map);
        drop(guard);
        if group.is_some() {
            this.probed.notify_all();
        }
        probed?;
        result.map_err(|errno| Error::from_errno(-errno.as_i32()))
    }

    fn probe_group(this: &Live<Self>, id: GroupId, task: &TaskContext) -> Result {
        let Some(group) = this.map.group(id) else {
            return Ok(());
        };
        for path in group.path_ids() {
            if this.lock().state.current() != Some(id) || this.is_suspended() {
                break;
            }
            if !this.map.is_usable(path) {
                continue;
            }
            let Some(device) = this.index_of(path).and_then(|index| this.device(index)) else {
                continue;
            };
            if PathVerdict::of(device.probe(task)?) == PathVerdict::Fail {
                Self::fail_path(this, path);
            }
        }
        Ok(())
    }
}
