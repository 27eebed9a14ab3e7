// SPDX-License-Identifier: GPL-2.0

//! The text that goes in and out of a target: the words of a table line or message, and the writer of
//! status and replies.

use core::marker::PhantomData;
use kernel::alloc::AllocError;
use kernel::fmt;
use kernel::prelude::*;
use kernel::str::{
    CStr,
    CString, //
};

/// The words of a table line or of a message, as device-mapper has split them.
///
/// # Invariants
///
/// `argv` has `len` pointers to strings. They and it live for `'a`, and nobody writes them.
#[derive(Clone, Copy)]
pub struct Words<'a> {
    argv: *const *mut c_char,
    len: usize,
    _words: PhantomData<&'a CStr>,
}

impl<'a> Words<'a> {
    /// # Safety
    ///
    /// `argv` has `argc` pointers to strings; they and it live for `'a`, and nobody writes them. With no words it
    /// may be null.
    pub(super) unsafe fn from_raw(argc: c_uint, argv: *const *mut c_char) -> Self {
        // INVARIANT: the caller says so; with null there are none.
        Self {
            argv,
            len: if argv.is_null() { 0 } else { argc as usize },
            _words: PhantomData,
        }
    }

    /// How many words there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The word at `index`, counted from zero.
    pub fn get(&self, index: usize) -> Option<&'a CStr> {
        if index >= self.len {
            return None;
        }
        // SAFETY: by the type's invariant there are `len` pointers, of which this is one, and nobody writes
        // them for `'a`.
        let word = unsafe { self.argv.add(index).read() };
        // SAFETY: by the type's invariant it is a string that lives for `'a` and that nobody writes.
        Some(unsafe { CStr::from_char_ptr(word) })
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &'a CStr> + '_ {
        (0..self.len).filter_map(|index| self.get(index))
    }
}

/// A copy of words, in memory of its own.
///
/// # Invariants
///
/// `argv` has pointers to strings in `_text`, neither of which changes.
pub(super) struct OwnedWords {
    argv: KVec<*mut c_char>,
    _text: KVec<u8>,
}

impl OwnedWords {
    pub(super) fn copy(words: Words<'_>) -> Result<Self, AllocError> {
        let bytes = words.iter().map(|word| word.to_bytes_with_nul().len());
        // No more than the message that they are from.
        let mut text = KVec::with_capacity(bytes.fold(0, usize::saturating_add), GFP_KERNEL)?;
        let mut argv = KVec::with_capacity(words.len(), GFP_KERNEL)?;
        for word in words.iter() {
            let at = text.len();
            text.extend_from_slice(word.to_bytes_with_nul(), GFP_KERNEL)?;
            let start: *mut u8 = text.as_mut_ptr();
            argv.push(start.wrapping_add(at).cast(), GFP_KERNEL)?;
        }
        // INVARIANT: each was copied with its zero byte. The text had its whole capacity, so that it has not moved.
        Ok(Self { argv, _text: text })
    }

    pub(super) fn words(&self) -> Words<'_> {
        // CAST: as many as an `unsigned int` has counted.
        let argc = self.argv.len() as c_uint;
        // SAFETY: it wants pointers to strings that live and that nobody writes as long as the words do: by
        // the type's invariant they are, while this is borrowed.
        unsafe { Words::from_raw(argc, self.argv.as_ptr()) }
    }
}

/// A writer into a buffer of the caller, which cuts what does not fit; device-mapper sees that the buffer
/// is full and calls again with a larger one.
///
/// # Invariants
///
/// `at < buffer.len()` if the buffer is not empty; the buffer ends with a zero at `at`.
pub struct Text<'a> {
    buffer: &'a mut [u8],
    at: usize,
}

impl<'a> Text<'a> {
    /// # Safety
    ///
    /// `buffer` has `len` initialised bytes, which nobody else uses for `'a`; if `len` is zero it may be null.
    pub(super) unsafe fn from_raw(buffer: *mut c_char, len: c_uint) -> Self {
        let buffer: &mut [u8] = if buffer.is_null() || len == 0 {
            &mut []
        } else {
            // SAFETY: it wants `len` bytes that are initialised and used by nobody else for `'a`, which the caller
            // guarantees, no more than `isize::MAX`, which an `unsigned int` never is, and the alignment of a byte.
            unsafe { core::slice::from_raw_parts_mut(buffer.cast(), len as usize) }
        };
        let mut text = Self { buffer, at: 0 };
        text.clear();
        text
    }

    /// Starts again with an empty text.
    fn clear(&mut self) {
        // INVARIANT: the first byte, if there is one, is zero.
        self.at = 0;
        if let Some(first) = self.buffer.first_mut() {
            *first = 0;
        }
    }

    /// Bytes written so far.
    pub fn len(&self) -> usize {
        self.at
    }

    /// Whether nothing is written yet.
    pub fn is_empty(&self) -> bool {
        self.at == 0
    }
}

impl fmt::Write for Text<'_> {
    /// Never fails: what does not fit is cut.
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = self.buffer.len().saturating_sub(self.at);
        let take = text.len().min(room.saturating_sub(1));
        let end = self.at.saturating_add(take);
        if let (Some(into), Some(from)) = (
            self.buffer.get_mut(self.at..end),
            text.as_bytes().get(..take),
        ) {
            into.copy_from_slice(from);
            // INVARIANT: at least the last byte of the room is left, and becomes zero below.
            self.at = end;
            if let Some(last) = self.buffer.get_mut(end) {
                *last = 0;
            }
        }
        Ok(())
    }
}

/// What is asked for (`status_type_t`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StatusKind {
    /// The state, for programs and people.
    Info,
    /// The table line.
    Table,
    /// The attributes that integrity measurement records.
    Ima,
}

/// A string for C of a word.
///
/// # Errors
///
/// - `EINVAL` if there is a zero byte in it.
/// - `ENOMEM` if there is no memory.
pub(super) fn c_string(word: &[u8]) -> Result<CString> {
    let mut bytes = KVec::with_capacity(word.len().saturating_add(1), GFP_KERNEL)?;
    bytes.extend_from_slice(word, GFP_KERNEL)?;
    bytes.push(0, GFP_KERNEL)?;
    let text = CStr::from_bytes_with_nul(&bytes).map_err(|_| EINVAL)?;
    Ok(CString::try_from(text)?)
}
