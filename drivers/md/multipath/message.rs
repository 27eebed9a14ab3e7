// SPDX-License-Identifier: GPL-2.0

//! Messages to a map.
//!
//! Source: `multipath_message` in `drivers/md/dm-mpath.c`. `stats` is this target's own.

use core::fmt;

use super::args;
use super::errno::Errno;
use super::map::GroupId;

/// A message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Message<'a> {
    /// Keep I/O while no path is left.
    QueueIfNoPath,
    /// Do not.
    FailIfNoPath,
    /// Bypass a group.
    DisableGroup(GroupId),
    /// Do not bypass it any more.
    EnableGroup(GroupId),
    /// Use a group from the next I/O on.
    SwitchGroup(GroupId),
    /// Take the paths to the device of this name out of use. If no path has that device: `EINVAL`.
    FailPath(&'a [u8]),
    /// Put the paths to the device of this name back into use. If no path has it: `EINVAL`.
    ReinstatePath(&'a [u8]),
    /// Tell what went over each path.
    Stats,
    /// Measure latencies from now on, or do not any more.
    StatsLatency(bool),
}

/// Why a message is refused. Its text is for the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum MessageError<'a> {
    /// It has this number of words.
    Arguments(usize),
    /// There is no such message.
    Unrecognised(&'a [u8]),
    /// `stats` knows no such word.
    Stats(&'a [u8]),
    /// There is no group of this number; the function that the C target would name.
    GroupNumber(&'static str),
}

impl MessageError<'_> {
    /// What the message returns.
    pub(crate) const fn errno(&self) -> Errno {
        match self {
            Self::Arguments(_) | Self::Unrecognised(_) | Self::Stats(_) | Self::GroupNumber(_) => {
                Errno::EINVAL
            }
        }
    }
}

impl fmt::Display for MessageError<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Arguments(count) => write!(
                out,
                "Invalid multipath message arguments. Expected 2 arguments, got {count}."
            ),
            Self::Unrecognised(word) => {
                out.write_str("Unrecognised multipath message received: ")?;
                write_valid(word, out)
            }
            Self::Stats(word) => {
                out.write_str("stats takes latency_on or latency_off, not ")?;
                write_valid(word, out)
            }
            Self::GroupNumber(function) => {
                write!(out, "invalid PG number supplied to {function}")
            }
        }
    }
}

fn write_valid(word: &[u8], out: &mut impl fmt::Write) -> fmt::Result {
    for chunk in word.utf8_chunks() {
        out.write_str(chunk.valid())?;
    }
    Ok(())
}

impl<'a> Message<'a> {
    /// The message of `words`, for a map of `groups` groups.
    ///
    /// # Errors
    ///
    /// `EINVAL`, as [`MessageError`] says why.
    pub(crate) fn parse(words: &[&'a [u8]], groups: u32) -> Result<Self, MessageError<'a>> {
        let (name, arg) = match words {
            [name] if args::is(name, "queue_if_no_path") => return Ok(Self::QueueIfNoPath),
            [name] if args::is(name, "fail_if_no_path") => return Ok(Self::FailIfNoPath),
            [name] if args::is(name, "stats") => return Ok(Self::Stats),
            [name, arg] => (*name, *arg),
            _ => return Err(MessageError::Arguments(words.len())),
        };
        let group = |function| {
            args::scan_u32(arg)
                .filter(|number| *number <= groups)
                .and_then(GroupId::from_number)
                .ok_or(MessageError::GroupNumber(function))
        };
        if args::is(name, "disable_group") {
            group("bypass_pg").map(Self::DisableGroup)
        } else if args::is(name, "enable_group") {
            group("bypass_pg").map(Self::EnableGroup)
        } else if args::is(name, "switch_group") {
            group("switch_pg_num").map(Self::SwitchGroup)
        } else if args::is(name, "reinstate_path") {
            Ok(Self::ReinstatePath(arg))
        } else if args::is(name, "fail_path") {
            Ok(Self::FailPath(arg))
        } else if args::is(name, "stats") && args::is(arg, "latency_on") {
            Ok(Self::StatsLatency(true))
        } else if args::is(name, "stats") && args::is(arg, "latency_off") {
            Ok(Self::StatsLatency(false))
        } else if args::is(name, "stats") {
            Err(MessageError::Stats(arg))
        } else {
            Err(MessageError::Unrecognised(name))
        }
    }
}
