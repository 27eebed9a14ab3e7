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
    /// No I/O can be sent now: it has to be mapped again later.
    Later,
    /// It is too large for every usable path.
    None,
}

impl<M: Memory> State<M> {
    /// Lends a path that takes an I/O of `nr_bytes` bytes: one of the current group if there is one, else of
    /// another group, in the order in which groups are chosen. The current group does not change. With a
    /// hardware handler only the current group is used, as the paths of another one would have to be activated.
    pub(crate) fn lend_fitting<'m, D, E: Env>(
        &self,
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
        let others = [false, true].into_iter().flat_map(|bypassed| {
            let groups = map.groups().map(|(group, _)| group);
            groups.filter(move |group| {
                map.handler.name().is_none() && self.is_bypassed(*group) == bypassed
            })
        });
        let lent = [current]
            .into_iter()
            .chain(others)
            .find_map(|group| map.lend_fitting_in(group, env, nr_bytes, &takes));
        match lent {
            Some(lent) => Fitting::Lent(lent),
            None => Fitting::None,
        }
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
}
