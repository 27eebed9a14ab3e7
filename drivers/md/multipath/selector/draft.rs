// SPDX-License-Identifier: GPL-2.0

//! What tables say of selectors and their paths.

use super::super::args::{
    self,
    Args,
    Bounds,
    TableError, //
};
use super::super::cpumask::{
    CpuMask,
    CpuMaskError, //
};
use super::super::memory::{
    Memory,
    OutOfMemory,
    Vector, //
};
use super::super::table::Notice;
use super::affinity::Affinity;
use super::balance::{
    Balance,
    Measure, //
};
use super::historical::{
    Historical,
    Settings, //
};
use super::round_robin::RoundRobin;
use super::{
    Engine,
    Kind,
    Selector, //
};

/// What a table says of one path.
pub(super) enum PathArgs<M: Memory> {
    RepeatCount(u32),
    ServiceTime { repeat_count: u32, throughput: u32 },
    CpuMask(CpuMask<M>),
}

/// A selector whose paths are still being added.
pub(crate) struct Draft<M: Memory> {
    kind: Kind,
    settings: Settings,
    affinity: Option<Affinity<M>>,
    cpus: u32,
    paths: M::Vec<PathArgs<M>>,
}

const COUNT: Bounds = Bounds {
    min: 0,
    max: 1024,
    error: "invalid number of path selector args",
};
const MAX_THROUGHPUT: u32 = 100;

impl<M: Memory> Draft<M> {
    /// Takes a selector's name and arguments, on a system with `cpus` CPUs (`nr_cpu_ids`).
    ///
    /// # Errors
    ///
    /// `EINVAL` if there is no such selector or its arguments are wrong, `ENOMEM`.
    pub(crate) fn parse(args: &mut Args<'_>, cpus: u32) -> Result<Self, TableError> {
        let position = args.position();
        let kind = args
            .shift()
            .and_then(Kind::from_name)
            .ok_or(TableError::invalid("unknown path selector type").at(position))?;
        let count = args.read_group(&COUNT)?;
        let position = args.position();
        let mut group = args.take(count).unwrap_or(Args::new(&[]));
        let mut draft = Self {
            kind,
            settings: Settings::default(),
            affinity: None,
            cpus,
            paths: M::Vec::<PathArgs<M>>::empty(),
        };
        match kind {
            // Their arguments are taken, and mean nothing.
            Kind::RoundRobin | Kind::QueueLength | Kind::ServiceTime => {}
            Kind::HistoricalServiceTime => {
                draft.settings = historical_settings(&mut group)
                    .ok_or(TableError::invalid("path selector constructor failed").at(position))?;
            }
            Kind::IoAffinity => draft.affinity = Some(Affinity::new(cpus)?),
        }
        Ok(draft)
    }

    /// Takes a path's arguments: all the words that are left.
    ///
    /// # Errors
    ///
    /// `EINVAL` with the selector's text, `ENOMEM`.
    pub(crate) fn add_path(
        &mut self,
        args: &mut Args<'_>,
        notice: impl FnMut(Notice<'_>),
    ) -> Result<(), TableError> {
        let position = args.position();
        let path = match self.kind {
            Kind::RoundRobin => PathArgs::RepeatCount(repeat_count(args, &ROUND_ROBIN, notice)?),
            Kind::QueueLength => PathArgs::RepeatCount(repeat_count(args, &QUEUE_LENGTH, notice)?),
            Kind::HistoricalServiceTime => {
                PathArgs::RepeatCount(repeat_count(args, &HISTORICAL, |_| ())?)
            }
            Kind::ServiceTime => PathArgs::ServiceTime {
                repeat_count: repeat_count(args, &SERVICE_TIME, notice)?,
                throughput: throughput(args)?,
            },
            Kind::IoAffinity => {
                let error = |message| TableError::invalid(message).at(position);
                let mask = match args.words() {
                    [word] => CpuMask::<M>::parse(word, self.cpus),
                    _ => return Err(error("io-affinity ps: invalid number of arguments")),
                };
                let mask = mask.map_err(|err| match err {
                    CpuMaskError::Invalid => error("io-affinity ps: invalid cpumask"),
                    CpuMaskError::OutOfMemory => TableError::from(OutOfMemory),
                })?;
                if !self.assign(&mask, notice) {
                    return Err(error("io-affinity ps: No new/valid CPU mapping found"));
                }
                PathArgs::CpuMask(mask)
            }
        };
        Ok(self.paths.append(path)?)
    }

    /// Gives the CPUs of a mask to the path that is being added. False if none is new.
    fn assign(&mut self, mask: &CpuMask<M>, mut notice: impl FnMut(Notice<'_>)) -> bool {
        let index = self.paths.len() as u32;
        let Some(affinity) = &mut self.affinity else {
            return false;
        };
        let mut assigned = false;
        for cpu in mask.iter() {
            if affinity.assign(cpu, index) {
                assigned = true;
            } else {
                notice(Notice::CpuHasPath(cpu));
            }
        }
        assigned
    }

    /// The selector for the paths that were added.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn finish(self) -> Result<Selector<M>, OutOfMemory> {
        let throughputs = self.paths.iter().map(|path| match path {
            PathArgs::ServiceTime { throughput, .. } => *throughput,
            _ => 1,
        });
        let engine = match (self.kind, self.affinity) {
            (Kind::RoundRobin, _) => Engine::RoundRobin(RoundRobin::new()),
            (Kind::QueueLength, _) => {
                Engine::Balance(Balance::new(Measure::QueueLength, throughputs)?)
            }
            (Kind::ServiceTime, _) => {
                Engine::Balance(Balance::new(Measure::ServiceTime, throughputs)?)
            }
            (Kind::HistoricalServiceTime, _) => {
                let paths = self.paths.len() as u32;
                Engine::Historical(Historical::new(self.settings, paths)?)
            }
            (Kind::IoAffinity, Some(affinity)) => Engine::Affinity(affinity),
            (Kind::IoAffinity, None) => Engine::Affinity(Affinity::new(self.cpus)?),
        };
        Ok(Selector {
            kind: self.kind,
            engine,
            paths: self.paths,
        })
    }
}

/// What a selector calls wrong arguments of a path.
struct Texts {
    kind: Kind,
    max_args: usize,
    number: &'static str,
    repeat_count: &'static str,
}

const ROUND_ROBIN: Texts = Texts {
    kind: Kind::RoundRobin,
    max_args: 1,
    number: "round-robin ps: incorrect number of arguments",
    repeat_count: "round-robin ps: invalid repeat count",
};
const QUEUE_LENGTH: Texts = Texts {
    kind: Kind::QueueLength,
    max_args: 1,
    number: "queue-length ps: incorrect number of arguments",
    repeat_count: "queue-length ps: invalid repeat count",
};
const SERVICE_TIME: Texts = Texts {
    kind: Kind::ServiceTime,
    max_args: 2,
    number: "service-time ps: incorrect number of arguments",
    repeat_count: "service-time ps: invalid repeat count",
};
const HISTORICAL: Texts = Texts {
    kind: Kind::HistoricalServiceTime,
    max_args: 1,
    number: "historical-service-time ps: incorrect number of arguments",
    repeat_count: "historical-service-time ps: invalid repeat count",
};

/// Takes a repeat count, if there is one. More than one I/O in a row has no effect any more.
fn repeat_count(
    args: &mut Args<'_>,
    texts: &Texts,
    mut notice: impl FnMut(Notice<'_>),
) -> Result<u32, TableError> {
    let position = args.position();
    if args.left() > texts.max_args {
        return Err(TableError::invalid(texts.number).at(position));
    }
    let Some(word) = args.shift() else {
        return Ok(1);
    };
    let count = args::scan_u32(word).ok_or(TableError::invalid(texts.repeat_count).at(position))?;
    if count > 1 {
        notice(Notice::RepeatCount(texts.kind));
    }
    Ok(count.min(1))
}

/// Takes a relative throughput, if there is one.
fn throughput(args: &mut Args<'_>) -> Result<u32, TableError> {
    let position = args.position();
    let Some(word) = args.shift() else {
        return Ok(1);
    };
    args::scan_u32(word)
        .filter(|throughput| *throughput <= MAX_THROUGHPUT)
        .ok_or(
            TableError::invalid("service-time ps: invalid relative_throughput value").at(position),
        )
}

/// Takes the group's arguments of `historical-service-time`; [`None`] if they are wrong.
fn historical_settings(args: &mut Args<'_>) -> Option<Settings> {
    let mut settings = Settings::default();
    if let Some(word) = args.shift() {
        settings.base_weight =
            args::scan_u32(word).filter(|weight| *weight < Settings::MAX_WEIGHT)?;
    }
    if let Some(word) = args.shift() {
        settings.threshold_multiplier = args::scan_u32(word)?;
    }
    (args.left() == 0).then_some(settings)
}
