// SPDX-License-Identifier: GPL-2.0

//! The choice of a path for I/O that is too large for some of the paths.

use super::super::memory::Memory;
use super::super::selector::Env;
use super::{
    GroupId,
    Lent,
    Map,
    PathId,
    State, //
};

/// Where I/O goes that is too large for some of the paths.
#[must_use]
pub(crate) enum Fitting<'m, M: Memory, D> {
    /// To this path.
    Lent(Lent<'m, M, D>),
    /// No I/O can be sent now, or not to the group whose path accepts it: it has to be mapped again later.
    Later,
    /// Only paths accept it that cannot be used now: [`State::no_path`] says what to do.
    NoPath,
    /// It is too large for every path of the map, usable or not.
    TooLarge,
}

impl<M: Memory> State<M> {
    /// Lends a path that takes an I/O of `nr_bytes` bytes: one of the current group if there is one, else of
    /// another group, in the order in which groups are chosen.
    ///
    /// Without a hardware handler the current group does not change. With one, the paths of another group have
    /// to be activated first: that group becomes the next one, as if it had been asked for by `switch_group`,
    /// unless it is bypassed, which it is because it could not be activated, or by a message.
    pub(crate) fn lend_fitting<'m, D, E: Env>(
        &mut self,
        map: &'m Map<M, D>,
        env: &E,
        nr_bytes: u32,
        takes: impl Fn(&D) -> bool,
    ) -> Fitting<'m, M, D> {
        let current = match self.current {
            Some(group) if !self.queue_io && !self.pg_init.required => group,
            _ => return Fitting::Later,
        };
        if map.valid_paths() == 0 {
            return Fitting::Later;
        }
        if let Some(lent) = map.lend_fitting_in(current, env, nr_bytes, &takes) {
            return Fitting::Lent(lent);
        }
        if map.handler.name().is_some() {
            for (group, _) in map.groups() {
                if !self.is_bypassed(group) && map.has_fitting_path(group, &takes) {
                    self.leave_current();
                    self.next = Some(group);
                    self.publish(map);
                    return Fitting::Later;
                }
            }
        } else {
            for bypassed in [false, true] {
                for (group, _) in map.groups() {
                    if self.is_bypassed(group) != bypassed {
                        continue;
                    }
                    if let Some(lent) = map.lend_fitting_in(group, env, nr_bytes, &takes) {
                        return Fitting::Lent(lent);
                    }
                }
            }
        }
        if map.paths().any(|(_, path)| takes(&path.device)) {
            return Fitting::NoPath;
        }
        Fitting::TooLarge
    }
}

impl<M: Memory, D> Map<M, D> {
    fn lend_fitting_in<E: Env>(
        &self,
        group: GroupId,
        env: &E,
        nr_bytes: u32,
        takes: &impl Fn(&D) -> bool,
    ) -> Option<Lent<'_, M, D>> {
        let group = self.group(group)?;
        let id = |index: u32| PathId(group.first.saturating_add(index));
        let accepts = |index| self.path(id(index)).is_some_and(|path| takes(&path.device));
        let loan = group
            .selector
            .pick_among(&group.usable, env, nr_bytes, accepts)?;
        let id = id(loan.index());
        Some(Lent {
            map: self,
            id,
            path: self.path(id)?,
            nr_bytes,
        })
    }

    /// Whether a usable path of a group takes it.
    fn has_fitting_path(&self, group: GroupId, takes: &impl Fn(&D) -> bool) -> bool {
        self.paths()
            .any(|(id, path)| path.group == group && self.is_usable(id) && takes(&path.device))
    }
}
