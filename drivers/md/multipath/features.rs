// SPDX-License-Identifier: GPL-2.0

//! The feature words of a table.
//!
//! Source: `parse_features` and `multipath_status` in `drivers/md/dm-mpath.c`. The last four
//! features below are this target's own; without them a table reads and writes as it does there.

use core::fmt;

use super::args::{
    self,
    Args,
    Bounds,
    TableError, //
};

/// How I/O comes to the target.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum QueueMode {
    /// As bios.
    Bio,
    /// As requests; the default.
    Request,
}

/// The features of a map.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Features {
    /// `queue_if_no_path`: I/O is kept while no path is left. Where the map starts; messages
    /// change it.
    pub(crate) queue_if_no_path: bool,
    /// `pg_init_retries`: how often the initialisation of a group is tried again.
    pub(crate) pg_init_retries: u32,
    /// `pg_init_delay_msecs`: milliseconds before that, if the table says.
    pub(crate) pg_init_delay_msecs: Option<u32>,
    /// `queue_mode`.
    pub(crate) queue_mode: QueueMode,
    /// `path_deadline_msecs`: a path that holds an I/O for longer has failed. Milliseconds.
    pub(crate) path_deadline_msecs: Option<u32>,
    /// `path_deadline_abort`: what such a path holds is aborted, so that it can be sent elsewhere.
    pub(crate) path_deadline_abort: bool,
    /// `no_path_timeout_secs`: how long I/O is kept without a path, in place of the module
    /// parameter. Seconds; zero is without end.
    pub(crate) no_path_timeout_secs: Option<u32>,
    /// `require_same_wwid`: paths to different devices are refused.
    pub(crate) require_same_wwid: bool,
}

impl Default for Features {
    fn default() -> Self {
        Self {
            queue_if_no_path: false,
            pg_init_retries: 0,
            pg_init_delay_msecs: None,
            queue_mode: QueueMode::Request,
            path_deadline_msecs: None,
            path_deadline_abort: false,
            no_path_timeout_secs: None,
            require_same_wwid: false,
        }
    }
}

/// The greatest number of words that the C target takes.
const MAX_WORDS: usize = 8;
/// The greatest number of words of this target's own features.
const MAX_OWN_WORDS: usize = 6;

const COUNT: Bounds = Bounds {
    min: 0,
    max: (MAX_WORDS + MAX_OWN_WORDS) as u32,
    error: "invalid number of feature args",
};
const PG_INIT_RETRIES: Bounds = Bounds {
    min: 1,
    max: 50,
    error: "pg_init_retries must be between 1 and 50",
};
const PG_INIT_DELAY_MSECS: Bounds = Bounds {
    min: 0,
    max: 60000,
    error: "pg_init_delay_msecs must be between 0 and 60000",
};
const PATH_DEADLINE_MSECS: Bounds = Bounds {
    min: 100,
    max: 3_600_000,
    error: "path_deadline_msecs must be between 100 and 3600000",
};
const NO_PATH_TIMEOUT_SECS: Bounds = Bounds {
    min: 0,
    max: 86_400,
    error: "no_path_timeout_secs must be between 0 and 86400",
};

const NO_VALUE: &str = "feature needs a value, and the number of feature args counts it";
/// Aborts are not asked for more often.
const MIN_ABORT_MSECS: u32 = 1000;
const ABORT_WITHOUT_DEADLINE: &str =
    "path_deadline_abort needs path_deadline_msecs of 1000 or more";

const QUEUE_IF_NO_PATH_WORD: &str = "queue_if_no_path";
const RETAIN_HANDLER_WORD: &str = "retain_attached_hw_handler";
const PG_INIT_RETRIES_WORD: &str = "pg_init_retries";
const PG_INIT_DELAY_WORD: &str = "pg_init_delay_msecs";
const QUEUE_MODE_WORD: &str = "queue_mode";
const PATH_DEADLINE_WORD: &str = "path_deadline_msecs";
const PATH_DEADLINE_ABORT_WORD: &str = "path_deadline_abort";
const NO_PATH_TIMEOUT_WORD: &str = "no_path_timeout_secs";
const REQUIRE_SAME_WWID_WORD: &str = "require_same_wwid";

/// How many of `words` are of this target's own features.
fn own_words(words: &[&[u8]]) -> usize {
    words
        .iter()
        .map(|word| {
            if args::is(word, PATH_DEADLINE_WORD) || args::is(word, NO_PATH_TIMEOUT_WORD) {
                2
            } else if args::is(word, PATH_DEADLINE_ABORT_WORD)
                || args::is(word, REQUIRE_SAME_WWID_WORD)
            {
                1
            } else {
                0
            }
        })
        .fold(0, usize::saturating_add)
}

impl Features {
    /// Takes the features from the start of a table.
    ///
    /// # Errors
    ///
    /// `EINVAL`, with the text of the C target where it knows the error.
    pub(crate) fn parse(args: &mut Args<'_>) -> Result<Self, TableError> {
        let mut features = Self::default();
        let position = args.position();
        let count = args.read_group(&COUNT)?;
        // The C target's limit holds for its own features.
        let group = args.words().get(..count).unwrap_or_default();
        if count.saturating_sub(own_words(group)) > MAX_WORDS {
            return Err(TableError::invalid(COUNT.error).at(position));
        }

        let mut left = count;
        let mut abort_at = position;
        while left > 0 {
            let position = args.position();
            let Some(word) = args.shift() else {
                break;
            };
            if args::is(word, PATH_DEADLINE_ABORT_WORD) {
                abort_at = position;
            }
            left = left.saturating_sub(1);
            left = left.saturating_sub(features.parse_one(word, position, left, args)?);
        }
        let deadline = features.path_deadline_msecs.unwrap_or(0);
        if features.path_deadline_abort && deadline < MIN_ABORT_MSECS {
            return Err(TableError::invalid(ABORT_WITHOUT_DEADLINE).at(abort_at));
        }
        Ok(features)
    }

    /// Takes one feature whose name is `word`, with `left` words of the group after it. Returns
    /// how many of them were the feature's.
    fn parse_one(
        &mut self,
        word: &[u8],
        position: usize,
        left: usize,
        args: &mut Args<'_>,
    ) -> Result<usize, TableError> {
        let has_value = left > 0;
        if args::is(word, QUEUE_IF_NO_PATH_WORD) {
            self.queue_if_no_path = true;
            Ok(0)
        } else if args::is(word, RETAIN_HANDLER_WORD) {
            // An attached handler is always retained.
            Ok(0)
        } else if args::is(word, PATH_DEADLINE_ABORT_WORD) {
            self.path_deadline_abort = true;
            Ok(0)
        } else if args::is(word, REQUIRE_SAME_WWID_WORD) {
            self.require_same_wwid = true;
            Ok(0)
        } else if args::is(word, PG_INIT_RETRIES_WORD) && has_value {
            self.pg_init_retries = args.read(&PG_INIT_RETRIES)?;
            Ok(1)
        } else if args::is(word, PG_INIT_DELAY_WORD) && has_value {
            self.pg_init_delay_msecs = Some(args.read(&PG_INIT_DELAY_MSECS)?);
            Ok(1)
        } else if args::is(word, PATH_DEADLINE_WORD) && has_value {
            self.path_deadline_msecs = Some(args.read(&PATH_DEADLINE_MSECS)?);
            Ok(1)
        } else if args::is(word, NO_PATH_TIMEOUT_WORD) && has_value {
            self.no_path_timeout_secs = Some(args.read(&NO_PATH_TIMEOUT_SECS)?);
            Ok(1)
        } else if args::is(word, PATH_DEADLINE_WORD) || args::is(word, NO_PATH_TIMEOUT_WORD) {
            Err(TableError::invalid(NO_VALUE).at(position))
        } else if args::is(word, QUEUE_MODE_WORD) && has_value {
            let position = args.position();
            let mode = args.shift().unwrap_or_default();
            self.queue_mode = if args::is(mode, "bio") {
                QueueMode::Bio
            } else if args::is(mode, "rq") || args::is(mode, "mq") {
                QueueMode::Request
            } else {
                return Err(TableError::invalid("Unknown 'queue_mode' requested").at(position));
            };
            Ok(1)
        } else {
            Err(TableError::invalid("Unrecognised multipath feature request").at(position))
        }
    }

    /// Writes the features as they stand in a table, a space after each word.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub(crate) fn write(&self, out: &mut impl fmt::Write) -> fmt::Result {
        let pairs = [
            (
                PG_INIT_RETRIES_WORD,
                (self.pg_init_retries > 0).then_some(self.pg_init_retries),
            ),
            (PG_INIT_DELAY_WORD, self.pg_init_delay_msecs),
        ];
        let own_pairs = [
            (PATH_DEADLINE_WORD, self.path_deadline_msecs),
            (NO_PATH_TIMEOUT_WORD, self.no_path_timeout_secs),
        ];
        let bio = self.queue_mode == QueueMode::Bio;
        let values = pairs.iter().chain(&own_pairs);
        let valued = values.filter(|(_, value)| value.is_some()).count();
        let count = usize::from(self.queue_if_no_path)
            .saturating_add(valued.saturating_add(usize::from(bio)).saturating_mul(2))
            .saturating_add(usize::from(self.path_deadline_abort))
            .saturating_add(usize::from(self.require_same_wwid));

        write!(out, "{count} ")?;
        if self.queue_if_no_path {
            write!(out, "{QUEUE_IF_NO_PATH_WORD} ")?;
        }
        write_pairs(&pairs, out)?;
        if bio {
            write!(out, "{QUEUE_MODE_WORD} bio ")?;
        }
        write_pairs(&own_pairs, out)?;
        if self.path_deadline_abort {
            write!(out, "{PATH_DEADLINE_ABORT_WORD} ")?;
        }
        if self.require_same_wwid {
            write!(out, "{REQUIRE_SAME_WWID_WORD} ")?;
        }
        Ok(())
    }
}

fn write_pairs(pairs: &[(&str, Option<u32>)], out: &mut impl fmt::Write) -> fmt::Result {
    for (name, value) in pairs {
        if let Some(value) = value {
            write!(out, "{name} {value} ")?;
        }
    }
    Ok(())
}
