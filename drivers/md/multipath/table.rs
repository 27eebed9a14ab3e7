// SPDX-License-Identifier: GPL-2.0

//! A table line becomes a map.
//!
//! ```text
//! <#features> [<feature>]* <#handler args> [<handler> [<arg>]*] <#groups> <first group>
//!     [<selector> <#selector args> [<arg>]* <#paths> <#path args> [<device> [<arg>]*]+]*
//! ```
//!
//! Words are looked at, and devices opened, in the order in which the C target does it, so that of
//! several errors the same one is reported, with the same text and the same error number.
//!
//! Source: `multipath_ctr` in `drivers/md/dm-mpath.c`.

use core::fmt;

use super::args::{
    Args,
    Bounds,
    TableError, //
};
use super::features::Features;
use super::handler::Handler;
use super::map::{
    GroupId,
    Map,
    MapDraft,
    State, //
};
use super::memory::Memory;
use super::selector::{
    Draft,
    Kind, //
};

/// A device that is a path.
pub(crate) trait Device {
    /// Its name in tables and statuses: `<major>:<minor>`.
    fn name(&self) -> &str;

    /// What the device behind the path calls itself, if it does: the same on every path to it.
    fn wwid(&self) -> Option<&[u8]>;
}

/// Something that the log should have, and that is no error.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Notice<'a> {
    /// A repeat count above one has no effect any more.
    RepeatCount(Kind),
    /// This CPU has a path already.
    CpuHasPath(u32),
    /// The words of a hardware handler have no effect in a map that takes bios.
    HandlerWithBios,
    /// Two paths lead to different devices.
    DifferentWwids {
        /// The name of the first path.
        first: &'a str,
        /// The name of the one that differs.
        other: &'a str,
    },
}

impl fmt::Display for Notice<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RepeatCount(kind) => write!(
                out,
                "{}: repeat_count > 1 is deprecated, using 1 instead",
                kind.name()
            ),
            Self::CpuHasPath(cpu) => {
                write!(out, "io-affinity: CPU mapping for {cpu} exists. Ignoring.")
            }
            Self::HandlerWithBios => {
                out.write_str("bio-based multipath doesn't allow hardware handler args")
            }
            Self::DifferentWwids { first, other } => {
                write!(out, "paths {first} and {other} have different WWIDs")
            }
        }
    }
}

/// What the parser needs from outside.
pub(crate) trait Builder<M: Memory> {
    /// A path's device.
    type Device: Device;

    /// Opens the device that `word` names and attaches its hardware handler: tells `handler` what
    /// is attached, then attaches and configures what `handler` names. Dropping the device undoes
    /// it. May sleep.
    ///
    /// # Errors
    ///
    /// Those of the C target: [`TableError::new`] with its text.
    fn device(
        &mut self,
        word: &[u8],
        features: &Features,
        handler: &mut Handler<M>,
    ) -> Result<Self::Device, TableError>;

    /// Puts a line into the log.
    fn notice(&mut self, notice: Notice<'_>);
}

const GROUPS: Bounds = Bounds {
    min: 0,
    max: 1024,
    error: "invalid number of priority groups",
};
const FIRST_GROUP: Bounds = Bounds {
    min: 0,
    max: 1024,
    error: "invalid initial priority group number",
};
const PATHS: Bounds = Bounds {
    min: 1,
    max: 1024,
    error: "invalid number of paths",
};
const PATH_ARGS: Bounds = Bounds {
    min: 0,
    max: 1024,
    error: "invalid number of selector args",
};

/// A map and its state.
pub(crate) type Made<M, D> = (Map<M, D>, State<M>);

/// Makes the map that `words` describe, on a system with `cpus` CPUs (`nr_cpu_ids`). May sleep.
///
/// # Errors
///
/// [`TableError`] with the text and number of the C target: `EINVAL` for a word that is wrong or
/// missing, `ENOMEM`, or what [`Builder::device`] returns.
pub(crate) fn parse<M: Memory, B: Builder<M>>(
    words: &[&[u8]],
    cpus: u32,
    builder: &mut B,
) -> Result<Made<M, B::Device>, TableError> {
    let mut args = Args::new(words);
    let features = Features::parse(&mut args)?;
    let (handler, ignored) = Handler::parse(&mut args, features.queue_mode)?;
    if ignored {
        builder.notice(Notice::HandlerWithBios);
    }
    let groups = args.read(&GROUPS)?;
    let first_position = args.position();
    let first = args.read(&FIRST_GROUP)?;
    if (groups == 0) != (first == 0) {
        return Err(TableError::invalid("invalid initial priority group").at(first_position));
    }

    let mut parser = Parser {
        builder,
        cpus,
        draft: MapDraft::new(features, handler),
        different_wwids: false,
    };
    while args.left() > 0 {
        parser.group(&mut args)?;
    }
    if parser.draft.groups() != groups {
        return Err(TableError::invalid("priority group count mismatch")
            .at(first_position.saturating_sub(1)));
    }
    Ok(parser.draft.finish(GroupId::from_number(first))?)
}

struct Parser<'b, M: Memory, B: Builder<M>> {
    builder: &'b mut B,
    cpus: u32,
    draft: MapDraft<M, B::Device>,
    /// Paths to different devices were found.
    different_wwids: bool,
}

impl<M: Memory, B: Builder<M>> Parser<'_, M, B> {
    /// Takes a group and its paths.
    fn group(&mut self, args: &mut Args<'_>) -> Result<(), TableError> {
        if args.left() < 2 {
            let error = TableError::invalid("not enough priority group arguments");
            return Err(error.at(args.position()));
        }
        let mut selector = Draft::<M>::parse(args, self.cpus)?;
        let paths = args.read(&PATHS)?;
        let path_args = args.read(&PATH_ARGS)?;
        let path_words = usize::try_from(path_args)
            .unwrap_or(usize::MAX)
            .saturating_add(1);
        for _ in 0..paths {
            let position = args.position();
            let mut words = args
                .take(path_words)
                .ok_or(TableError::invalid("not enough path parameters").at(position))?;
            self.path(&mut words, &mut selector)?;
        }
        self.draft.add_group(selector.finish()?, paths)?;
        Ok(())
    }

    /// Takes a path from all of `words`.
    fn path(&mut self, words: &mut Args<'_>, selector: &mut Draft<M>) -> Result<(), TableError> {
        let position = words.position();
        let word = words
            .shift()
            .ok_or(TableError::invalid("no device given").at(position))?;
        let features = *self.draft.features();
        let device = self
            .builder
            .device(word, &features, self.draft.handler_mut())
            .map_err(|error| error.at(position))?;
        selector.add_path(words, |notice| self.builder.notice(notice))?;
        self.check_wwid(&device, &features)
            .map_err(|error| error.at(position))?;
        self.draft.add_path(device)?;
        Ok(())
    }

    /// Compares the device behind a path with the one behind the paths before it.
    fn check_wwid(&mut self, device: &B::Device, features: &Features) -> Result<(), TableError> {
        let Some(wwid) = device.wwid() else {
            return match features.require_same_wwid {
                true => Err(TableError::invalid("path has no WWID")),
                false => Ok(()),
            };
        };
        let known = self.draft.devices().find(|other| other.wwid().is_some());
        let Some(first) = known else {
            return Ok(());
        };
        if first.wwid() == Some(wwid) {
            return Ok(());
        }
        let notice = Notice::DifferentWwids {
            first: first.name(),
            other: device.name(),
        };
        if features.require_same_wwid {
            self.builder.notice(notice);
            return Err(TableError::invalid("paths have different WWIDs"));
        }
        // One line a map is enough.
        if !self.different_wwids {
            self.different_wwids = true;
            self.builder.notice(notice);
        }
        Ok(())
    }
}
