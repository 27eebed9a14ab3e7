// SPDX-License-Identifier: GPL-2.0

//! CPU masks as text: groups of hexadecimal digits, a comma between each 32 bits.
//!
//! Source: `bitmap_parse` in `lib/bitmap-str.c`, `bitmap_string` in `lib/vsprintf.c`.

use core::fmt;

use super::memory::{
    Memory,
    OutOfMemory,
    Vector, //
};

const CHUNK_BITS: u32 = 32;
const DIGIT_BITS: u32 = 4;

/// Why a text is no mask.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum CpuMaskError {
    /// It has a character that is no digit, or a CPU that there cannot be.
    Invalid,
    /// There is no memory.
    OutOfMemory,
}

impl From<OutOfMemory> for CpuMaskError {
    fn from(_: OutOfMemory) -> Self {
        Self::OutOfMemory
    }
}

/// A set of CPUs.
///
/// # Invariants
///
/// No CPU at or above `cpus` is in it.
pub(crate) struct CpuMask<M: Memory> {
    /// CPUs that there can be (`nr_cpu_ids`).
    cpus: u32,
    /// Chunks of 32 CPUs, the first ones first.
    chunks: M::Vec<u32>,
}

impl<M: Memory> CpuMask<M> {
    /// The set that `text` names, of `cpus` that there can be.
    ///
    /// # Errors
    ///
    /// [`CpuMaskError`].
    pub(crate) fn parse(text: &[u8], cpus: u32) -> Result<Self, CpuMaskError> {
        let is_separator = |byte: &u8| matches!(*byte, b' ' | b'\t'..=b'\r' | 0xa0 | b',');
        // As the kernel does it, only the first line counts.
        let mut text = text.split(|byte| *byte == b'\n').next().unwrap_or_default();

        let mut chunks = M::Vec::<u32>::empty();
        loop {
            while let Some((last, rest)) = text.split_last() {
                if !is_separator(last) {
                    break;
                }
                text = rest;
            }
            if text.is_empty() {
                break;
            }
            let mut chunk = 0;
            let mut shift = 0;
            while let Some((last, rest)) = text.split_last() {
                if is_separator(last) {
                    break;
                }
                let digit = char::from(*last)
                    .to_digit(16)
                    .ok_or(CpuMaskError::Invalid)?;
                if shift >= CHUNK_BITS {
                    return Err(CpuMaskError::Invalid);
                }
                chunk |= digit << shift;
                shift += DIGIT_BITS;
                text = rest;
            }
            if chunks.len() >= cpus.div_ceil(CHUNK_BITS) as usize {
                return Err(CpuMaskError::Invalid);
            }
            chunks.append(chunk)?;
        }

        let mask = Self { cpus, chunks };
        // INVARIANT: checked here.
        if mask.all().any(|cpu| cpu >= cpus) {
            return Err(CpuMaskError::Invalid);
        }
        Ok(mask)
    }

    fn all(&self) -> impl Iterator<Item = u32> + '_ {
        let chunks = (0u32..)
            .step_by(CHUNK_BITS as usize)
            .zip(self.chunks.iter());
        chunks.flat_map(|(first, chunk)| {
            (0..CHUNK_BITS)
                .filter(move |bit| chunk & (1 << bit) != 0)
                .map(move |bit| first.saturating_add(bit))
        })
    }

    /// The CPUs, in ascending order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.all()
    }
}

impl<M: Memory> fmt::Display for CpuMask<M> {
    /// As the kernel's `%*pb`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let top_bits = match self.cpus % CHUNK_BITS {
            0 => CHUNK_BITS,
            bits => bits,
        };
        let mut width = top_bits.div_ceil(DIGIT_BITS) as usize;
        for index in (0..self.cpus.div_ceil(CHUNK_BITS)).rev() {
            let chunk = self.chunks.get(index as usize).copied().unwrap_or_default();
            write!(out, "{chunk:0width$x}")?;
            if index > 0 {
                out.write_str(",")?;
            }
            width = (CHUNK_BITS / DIGIT_BITS) as usize;
        }
        Ok(())
    }
}
