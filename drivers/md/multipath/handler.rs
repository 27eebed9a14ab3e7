// SPDX-License-Identifier: GPL-2.0

//! The hardware handler of a map: its name, and what it is told.
//!
//! Source: `parse_hw_handler` and `setup_scsi_dh` in `drivers/md/dm-mpath.c`.

use core::fmt;

use super::args::{
    Args,
    Bounds,
    TableError, //
};
use super::features::QueueMode;
use super::memory::{
    Memory,
    OutOfMemory,
    Vector, //
};

const COUNT: Bounds = Bounds {
    min: 0,
    max: 1024,
    error: "invalid number of hardware handler args",
};

/// What is found on a path's device before the map touches it, if anything is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Attached<'a> {
    /// The device is no SCSI device: there are no handlers for it.
    NotScsi,
    /// The handler of this name.
    Handler(&'a [u8]),
}

/// The hardware handler that the table asks for, or that was found on the paths.
pub(crate) struct Handler<M: Memory> {
    name: Option<M::Vec<u8>>,
    params: Option<M::Vec<u8>>,
}

impl<M: Memory> Handler<M> {
    /// Takes the handler words of a table. The flag says that there were some, and that they have
    /// no effect because the map takes bios.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the number of words is wrong, `ENOMEM`.
    pub(crate) fn parse(args: &mut Args<'_>, mode: QueueMode) -> Result<(Self, bool), TableError> {
        let mut handler = Self {
            name: None,
            params: None,
        };
        let count = args.read_group(&COUNT)?;
        let mut words = args.take(count).unwrap_or(Args::new(&[]));
        if mode == QueueMode::Bio {
            return Ok((handler, count > 0));
        }
        if let Some(name) = words.shift() {
            handler.name = Some(Vector::of(name.iter().copied())?);
        }
        if words.left() > 0 {
            handler.params = Some(params::<M>(words.words())?);
        }
        Ok((handler, false))
    }

    /// Takes note of the handler that is attached to the next path's device. That handler is kept:
    /// the table will show it. True if a handler was asked for that the device cannot have.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`].
    pub(crate) fn attached(&mut self, attached: Attached<'_>) -> Result<bool, OutOfMemory> {
        match attached {
            Attached::NotScsi => Ok(self.name.take().is_some()),
            Attached::Handler(name) => {
                if self.name().is_some_and(|wanted| wanted != name) {
                    self.params = None;
                }
                self.name = Some(Vector::of(name.iter().copied())?);
                Ok(false)
            }
        }
    }

    /// The name of the handler to be attached to every path.
    pub(crate) fn name(&self) -> Option<&[u8]> {
        self.name.as_deref()
    }

    /// What `scsi_dh_set_params` is to be given: the number of words, then the words, each ended by
    /// a zero byte.
    pub(crate) fn params(&self) -> Option<&[u8]> {
        self.params.as_deref()
    }

    /// Writes the handler as it stands in a table, a space after each word.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub(crate) fn write(&self, out: &mut impl fmt::Write) -> fmt::Result {
        match self.name() {
            Some(name) => {
                out.write_str("1 ")?;
                for chunk in name.utf8_chunks() {
                    out.write_str(chunk.valid())?;
                    if !chunk.invalid().is_empty() {
                        out.write_char('?')?;
                    }
                }
                out.write_char(' ')
            }
            None => out.write_str("0 "),
        }
    }
}

fn params<M: Memory>(words: &[&[u8]]) -> Result<M::Vec<u8>, OutOfMemory> {
    let mut params = M::Vec::<u8>::empty();
    push_number::<M>(&mut params, words.len())?;
    params.append(0)?;
    for word in words {
        for byte in *word {
            params.append(*byte)?;
        }
        params.append(0)?;
    }
    Ok(params)
}

/// Appends `number` in decimal.
fn push_number<M: Memory>(params: &mut M::Vec<u8>, number: usize) -> Result<(), OutOfMemory> {
    let mut divisor = 1;
    while number / divisor >= 10 {
        divisor *= 10;
    }
    while divisor > 0 {
        // A digit fits.
        params.append(b'0'.wrapping_add((number / divisor % 10) as u8))?;
        divisor /= 10;
    }
    Ok(())
}
