// SPDX-License-Identifier: GPL-2.0

//! `io-affinity`: the path that is meant for the CPU that the I/O comes from.
//!
//! Source: `drivers/md/dm-ps-io-affinity.c`.

use super::super::atomic::{
    AtomicU32,
    Ordering, //
};
use super::super::map::{
    Loan,
    Usable, //
};
use super::super::memory::{
    Memory,
    OutOfMemory,
    Vector, //
};
use super::Env;

/// No path.
const NONE: u32 = u32::MAX;

/// Which path each CPU has.
pub(crate) struct Affinity<M: Memory> {
    path_of: M::Vec<u32>,
    misses: AtomicU32,
}

impl<M: Memory> Affinity<M> {
    /// `cpus` CPUs without paths. May sleep.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`].
    pub(crate) fn new(cpus: u32) -> Result<Self, OutOfMemory> {
        Ok(Self {
            path_of: Vector::of((0..cpus).map(|_| NONE))?,
            misses: AtomicU32::new(0),
        })
    }

    /// Gives a path to a CPU. False if the CPU has one.
    pub(crate) fn assign(&mut self, cpu: u32, index: u32) -> bool {
        match self.path_of.get_mut(cpu as usize) {
            Some(path) if *path == NONE => {
                *path = index;
                true
            }
            _ => false,
        }
    }

    #[inline]
    fn of(&self, cpu: u32) -> Option<u32> {
        self.path_of
            .get(cpu as usize)
            .copied()
            .filter(|index| *index != NONE)
    }

    /// The path of this CPU, else one of a CPU on the same node, else any.
    #[inline(never)]
    pub(crate) fn pick<'a>(&self, usable: &'a Usable, env: &impl Env) -> Option<Loan<'a>> {
        let cpu = env.cpu();
        match self.of(cpu) {
            Some(index) => {
                if let Some(loan) = usable.lend(index) {
                    return Some(loan);
                }
            }
            None => {
                self.misses.fetch_add(1, Ordering::Relaxed);
            }
        }
        self.pick_other(usable, env, cpu)
    }

    /// The path of this CPU if it is accepted, else any that is.
    pub(crate) fn pick_among<'a>(
        &self,
        usable: &'a Usable,
        env: &impl Env,
        accepts: impl Fn(u32) -> bool,
    ) -> Option<Loan<'a>> {
        let own = self.of(env.cpu()).into_iter();
        let mut paths = own.chain(usable.iter()).filter(|index| accepts(*index));
        paths.find_map(|index| usable.lend(index))
    }

    #[cold]
    fn pick_other<'a>(&self, usable: &'a Usable, env: &impl Env, cpu: u32) -> Option<Loan<'a>> {
        let lend = |other: u32| self.of(other).and_then(|index| usable.lend(index));
        let cpus = 0..self.path_of.len() as u32;
        let mut near = cpus.clone().filter(|other| env.same_node(cpu, *other));
        near.find_map(lend).or_else(|| cpus.clone().find_map(lend))
    }

    /// How often a CPU had no path.
    pub(crate) fn misses(&self) -> u32 {
        self.misses.load(Ordering::Relaxed)
    }
}
