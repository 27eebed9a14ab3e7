// SPDX-License-Identifier: GPL-2.0

//! The words of a table line or message, taken from left to right.
//!
//! Source: `dm_read_arg`, `dm_read_arg_group`, `dm_shift_arg` in `drivers/md/dm-table.c`, and the
//! kernel's `sscanf`, whose habits decide what is a number.

use super::errno::Errno;
use super::memory::OutOfMemory;

/// Why a table is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TableError {
    message: &'static str,
    errno: Errno,
    word: Option<usize>,
}

impl TableError {
    /// An error that no word is known for yet.
    pub(crate) const fn new(message: &'static str, errno: Errno) -> Self {
        Self {
            message,
            errno,
            word: None,
        }
    }

    /// `EINVAL`, that no word is known for yet.
    pub(crate) const fn invalid(message: &'static str) -> Self {
        Self::new(message, Errno::EINVAL)
    }

    /// The same error, blamed on the word of this index unless it has one already.
    pub(crate) const fn at(self, word: usize) -> Self {
        Self {
            word: match self.word {
                Some(word) => Some(word),
                None => Some(word),
            },
            ..self
        }
    }

    /// Device-mapper's text for it (`ti->error`).
    pub(crate) const fn message(&self) -> &'static str {
        self.message
    }

    /// What the constructor returns.
    pub(crate) const fn errno(&self) -> Errno {
        self.errno
    }

    /// The index of the word that is wrong. The number of words if one is missing at the end.
    pub(crate) const fn word(&self) -> Option<usize> {
        self.word
    }
}

impl From<OutOfMemory> for TableError {
    fn from(_: OutOfMemory) -> Self {
        Self::new("memory allocation failed", Errno::ENOMEM)
    }
}

/// What a number may be, and the text if it is not (`struct dm_arg`).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// The least value.
    pub(crate) min: u32,
    /// The greatest value.
    pub(crate) max: u32,
    /// Device-mapper's text for anything else.
    pub(crate) error: &'static str,
}

/// The words that are left (`struct dm_arg_set`).
#[derive(Clone, Debug)]
pub(crate) struct Args<'a> {
    words: &'a [&'a [u8]],
    position: usize,
}

impl<'a> Args<'a> {
    /// All of `words`.
    pub(crate) const fn new(words: &'a [&'a [u8]]) -> Self {
        Self { words, position: 0 }
    }

    /// How many words are left.
    pub(crate) const fn left(&self) -> usize {
        self.words.len()
    }

    /// The index of the next word in the line.
    pub(crate) const fn position(&self) -> usize {
        self.position
    }

    /// Takes the next word.
    pub(crate) fn shift(&mut self) -> Option<&'a [u8]> {
        let (first, rest) = self.words.split_first()?;
        self.words = rest;
        self.position = self.position.saturating_add(1);
        Some(*first)
    }

    /// Takes the next `count` words; [`None`] if there are fewer.
    pub(crate) fn take(&mut self, count: usize) -> Option<Args<'a>> {
        let (taken, rest) = self.words.split_at_checked(count)?;
        let taken = Args {
            words: taken,
            position: self.position,
        };
        self.words = rest;
        self.position = self.position.saturating_add(count);
        Some(taken)
    }

    /// Takes a number (`dm_read_arg`).
    ///
    /// # Errors
    ///
    /// `EINVAL` with the text of `bounds` if there is no word, or it is not a number within them.
    pub(crate) fn read(&mut self, bounds: &Bounds) -> Result<u32, TableError> {
        let position = self.position;
        self.shift()
            .and_then(scan_u32)
            .filter(|value| (bounds.min..=bounds.max).contains(value))
            .ok_or(TableError::invalid(bounds.error).at(position))
    }

    /// Takes the number of words of a group, of which as many must be left
    /// (`dm_read_arg_group`).
    ///
    /// # Errors
    ///
    /// As for [`Args::read`], and if fewer words are left.
    pub(crate) fn read_group(&mut self, bounds: &Bounds) -> Result<usize, TableError> {
        let position = self.position;
        let count = usize::try_from(self.read(bounds)?).unwrap_or(usize::MAX);
        if count > self.left() {
            return Err(TableError::invalid(bounds.error).at(position));
        }
        Ok(count)
    }

    /// The words that are left, without taking them.
    pub(crate) const fn words(&self) -> &'a [&'a [u8]] {
        self.words
    }
}

/// Whether the kernel's `isspace` is true.
const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r' | 0xa0)
}

/// The number that the whole of `word` is, as `sscanf(word, "%u%c", ..) == 1` sees it.
///
/// White space before it is skipped (a quoted word may begin with it). As there, a number that does not
/// fit loses its upper bits, and one beyond 64 bits counts as the greatest that has so many.
pub(crate) fn scan_u32(word: &[u8]) -> Option<u32> {
    let start = word.iter().position(|byte| !is_space(*byte))?;
    let digits = word.get(start..)?;
    let mut value = 0u64;
    for byte in digits {
        if !byte.is_ascii_digit() {
            return None;
        }
        let digit = u64::from(byte.wrapping_sub(b'0'));
        let longer = value
            .checked_mul(10)
            .and_then(|value| value.checked_add(digit));
        value = longer.unwrap_or(u64::MAX);
    }
    Some(value as u32)
}

/// Whether `word` is `name`, whatever the case of its letters (`strcasecmp`).
pub(crate) fn is(word: &[u8], name: &str) -> bool {
    word.eq_ignore_ascii_case(name.as_bytes())
}
