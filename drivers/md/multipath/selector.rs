// SPDX-License-Identifier: GPL-2.0

//! Path selectors: which of a group's usable paths the next I/O takes.
//!
//! A selector keeps loads and turns; which paths are usable is the map's business. It gets a
//! [`Loan`] of a path that is, and cannot make one itself.
//!
//! Source: `drivers/md/dm-path-selector.h`, `drivers/md/dm-ps-*.c`.

use core::fmt;

use super::map::{
    Loan,
    Usable, //
};
use super::memory::Memory;

mod affinity;
mod balance;
mod draft;
mod historical;
mod round_robin;

use affinity::Affinity;
use balance::Balance;
use draft::PathArgs;
use historical::{
    Historical,
    Settings, //
};
use round_robin::RoundRobin;

pub(crate) use draft::Draft;

/// What a selector asks of the system. Every function may be called in any context.
pub(crate) trait Env {
    /// The CPU that the I/O comes from.
    fn cpu(&self) -> u32;
    /// Whether two CPUs are on the same node.
    fn same_node(&self, cpu: u32, other: u32) -> bool;
    /// The time in nanoseconds, from the clock that I/O start times are taken from.
    fn now(&self) -> u64;
}

/// A kind of selector.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// `round-robin`.
    RoundRobin,
    /// `queue-length`.
    QueueLength,
    /// `service-time`.
    ServiceTime,
    /// `historical-service-time`.
    HistoricalServiceTime,
    /// `io-affinity`.
    IoAffinity,
}

impl Kind {
    const ALL: [Self; 5] = [
        Self::RoundRobin,
        Self::QueueLength,
        Self::ServiceTime,
        Self::HistoricalServiceTime,
        Self::IoAffinity,
    ];

    /// The kind of this name.
    pub(crate) fn from_name(name: &[u8]) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name().as_bytes() == name)
    }

    /// Its name in tables.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::RoundRobin => "round-robin",
            Self::QueueLength => "queue-length",
            Self::ServiceTime => "service-time",
            Self::HistoricalServiceTime => "historical-service-time",
            Self::IoAffinity => "io-affinity",
        }
    }

    /// Words of a path in a table that is written.
    pub(crate) const fn table_args(self) -> u32 {
        match self {
            Self::RoundRobin
            | Self::QueueLength
            | Self::HistoricalServiceTime
            | Self::IoAffinity => 1,
            Self::ServiceTime => 2,
        }
    }

    /// Words of a path in a status.
    pub(crate) const fn info_args(self) -> u32 {
        match self {
            Self::RoundRobin => 0,
            Self::QueueLength | Self::IoAffinity => 1,
            Self::ServiceTime => 2,
            Self::HistoricalServiceTime => 3,
        }
    }

    /// Whether the end of an I/O needs the time at which it was started.
    #[inline]
    pub(crate) const fn uses_hr_timer(self) -> bool {
        matches!(self, Self::HistoricalServiceTime)
    }
}

enum Engine<M: Memory> {
    RoundRobin(RoundRobin),
    Balance(Balance<M>),
    Historical(Historical<M>),
    Affinity(Affinity<M>),
}

/// The selector of a group.
pub(crate) struct Selector<M: Memory> {
    kind: Kind,
    engine: Engine<M>,
    paths: M::Vec<PathArgs<M>>,
}

impl<M: Memory> Selector<M> {
    /// Its kind.
    #[inline]
    pub(crate) const fn kind(&self) -> Kind {
        self.kind
    }

    /// The path for an I/O of `nr_bytes` bytes. The I/O counts as in flight from here, until
    /// [`Selector::end`] or [`Selector::cancel`].
    #[inline(always)]
    pub(crate) fn pick<'a>(
        &self,
        usable: &'a Usable,
        env: &impl Env,
        nr_bytes: u32,
    ) -> Option<Loan<'a>> {
        match &self.engine {
            Engine::RoundRobin(engine) => engine.pick(usable),
            Engine::Balance(engine) => engine.pick(usable, nr_bytes),
            Engine::Historical(engine) => engine.pick(usable, env.now()),
            Engine::Affinity(engine) => engine.pick(usable, env),
        }
    }

    /// The path for an I/O that is too large for some paths: one of those for which `accepts` is true. Like
    /// [`Selector::pick`], but checks every path.
    pub(crate) fn pick_among<'a>(
        &self,
        usable: &'a Usable,
        env: &impl Env,
        nr_bytes: u32,
        accepts: impl Fn(u32) -> bool,
    ) -> Option<Loan<'a>> {
        match &self.engine {
            Engine::RoundRobin(engine) => engine.pick_among(usable, accepts),
            Engine::Balance(engine) => engine.pick_among(usable, nr_bytes, accepts),
            Engine::Historical(engine) => engine.pick_among(usable, env.now(), accepts),
            Engine::Affinity(engine) => engine.pick_among(usable, env, accepts),
        }
    }

    /// An I/O was not sent after all.
    #[inline]
    pub(crate) fn cancel(&self, index: u32, nr_bytes: u32) {
        match &self.engine {
            Engine::RoundRobin(_) | Engine::Affinity(_) => {}
            Engine::Balance(engine) => engine.end(index, nr_bytes),
            Engine::Historical(engine) => engine.cancel(index),
        }
    }

    /// An I/O has ended at `now` that was started at `start`, in nanoseconds. Times only matter if
    /// [`Kind::uses_hr_timer`].
    #[inline]
    pub(crate) fn end(&self, usable: &Usable, index: u32, nr_bytes: u32, start: u64, now: u64) {
        match &self.engine {
            Engine::RoundRobin(_) | Engine::Affinity(_) => {}
            Engine::Balance(engine) => engine.end(index, nr_bytes),
            Engine::Historical(engine) => engine.end(usable, index, start, now),
        }
    }

    /// A path is out of use, and is not lent any more.
    pub(crate) fn path_failed(&self, index: u32) {
        match &self.engine {
            Engine::RoundRobin(_) | Engine::Affinity(_) | Engine::Historical(_) => {}
            Engine::Balance(engine) => engine.fail(index),
        }
    }

    /// A path is about to be in use again.
    pub(crate) fn path_reinstated(&self, index: u32) {
        match &self.engine {
            Engine::RoundRobin(_) | Engine::Affinity(_) => {}
            Engine::Balance(engine) => engine.reinstate(index),
            Engine::Historical(engine) => engine.reinstate(index),
        }
    }

    /// Writes the group's part of a status or a table: the number of words, then the words.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub(crate) fn write_group(&self, out: &mut impl fmt::Write) -> fmt::Result {
        match &self.engine {
            Engine::Historical(engine) => {
                let Settings {
                    base_weight,
                    threshold_multiplier,
                } = engine.settings();
                write!(out, "2 {base_weight} {threshold_multiplier} ")
            }
            _ => out.write_str("0 "),
        }
    }

    /// Writes a path's part of a status.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub(crate) fn write_path_info(&self, index: u32, out: &mut impl fmt::Write) -> fmt::Result {
        match &self.engine {
            Engine::RoundRobin(_) => Ok(()),
            Engine::Balance(engine) => {
                write!(out, "{} ", engine.in_flight(index))?;
                match self.paths.get(index as usize) {
                    Some(PathArgs::ServiceTime { throughput, .. }) => write!(out, "{throughput} "),
                    _ => Ok(()),
                }
            }
            Engine::Historical(engine) => {
                let (service_time, outstanding, stale_after) = engine.figures(index);
                write!(out, "{service_time} {outstanding} {stale_after} ")
            }
            Engine::Affinity(engine) => write!(out, "{} ", engine.misses()),
        }
    }

    /// Writes a path's part of a table.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub(crate) fn write_path_table(&self, index: u32, out: &mut impl fmt::Write) -> fmt::Result {
        match (self.kind, self.paths.get(index as usize)) {
            // As the C selector does: the count has no effect.
            (Kind::HistoricalServiceTime, _) => out.write_str("0 "),
            (_, Some(PathArgs::RepeatCount(count))) => write!(out, "{count} "),
            (
                _,
                Some(PathArgs::ServiceTime {
                    repeat_count,
                    throughput,
                }),
            ) => write!(out, "{repeat_count} {throughput} "),
            (_, Some(PathArgs::CpuMask(mask))) => write!(out, "{mask} "),
            (_, None) => Ok(()),
        }
    }
}
