// SPDX-License-Identifier: GPL-2.0

//! Coherent memory cut into slots of one size, for command frames and their buffers.

use crate::compat;
use core::marker::PhantomData;
use kernel::device::{
    Bound,
    Device, //
};
use kernel::dma::{
    attrs::DMA_ATTR_FORCE_CONTIGUOUS,
    Coherent, //
};
use kernel::prelude::*;

/// Bytes of one coherent allocation at most: small enough to be had when memory is fragmented.
const CHUNK_BYTES: usize = 32 * 1024;

/// Coherent memory of `count` slots of `stride` bytes each.
///
/// Each slot is followed by at least `tail` bytes of memory of the pool, for devices that map a fixed
/// length from a slot's address whatever they use of it. A slot and its tail are contiguous in the device's
/// address space and in physical memory too, so that a device behind an IOMMU can also map them in one
/// piece: under an IOMMU coherent memory is made of single pages unless that is asked for.
///
/// # Invariants
///
/// Each chunk is contiguous in physical memory, and holds `1 << shift` slots of `stride` bytes, and the tail.
pub struct Pool {
    chunks: KVec<Coherent<[u32]>>,
    count: u32,
    stride: usize,
    shift: u32,
}

impl Pool {
    /// Allocates the slots, zeroed. May sleep.
    ///
    /// # Errors
    ///
    /// - `EINVAL` if `stride` is not a multiple of 64 bytes, or a slot and its tail are larger than a chunk.
    /// - `ENOMEM` if there is no memory.
    pub fn new(dev: &Device<Bound>, count: u32, stride: usize, tail: usize) -> Result<Self> {
        let room = CHUNK_BYTES.checked_sub(tail).ok_or(EINVAL)?;
        if stride == 0 || stride % 64 != 0 || stride > room {
            return Err(EINVAL);
        }
        let shift = (room / stride).ilog2();
        let per_chunk = 1usize << shift;
        let count_size = usize::try_from(count)?;
        let mut chunks = KVec::new();
        for _ in 0..count_size.div_ceil(per_chunk) {
            let words = (per_chunk * stride + tail) / size_of::<u32>();
            let contiguous = DMA_ATTR_FORCE_CONTIGUOUS;
            let chunk = Coherent::zeroed_slice_with_attrs(dev, words, GFP_KERNEL, contiguous)?;
            chunks.push(chunk, GFP_KERNEL)?;
        }
        // INVARIANT: allocated so above, with the attribute that makes them contiguous.
        Ok(Self {
            chunks,
            count,
            stride,
            shift,
        })
    }

    /// Bytes of memory that the pool holds.
    pub fn bytes(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.size()).sum()
    }

    /// One slot; `None` past the end. Any context.
    #[inline]
    pub fn slot(&self, index: u32) -> Option<Slot<'_>> {
        if index >= self.count {
            return None;
        }
        let chunk = self.chunks.get((index >> self.shift) as usize)?;
        let offset = (index & ((1 << self.shift) - 1)) as usize * self.stride;
        // INVARIANT: a slot lies whole in its chunk.
        Some(Slot {
            base: chunk.as_mut_ptr().cast::<u32>().wrapping_byte_add(offset),
            address: compat::dma_address(chunk) + offset as u64,
            stride: self.stride,
            _pool: PhantomData,
        })
    }
}

/// One slot of a [`Pool`].
///
/// The device may read and write it at any time, so it is accessed by single volatile words, which the
/// kernel's memory model treats as atomic. Words are little-endian on the bus: encode before writing.
///
/// # Invariants
///
/// `base` points to `stride` bytes of coherent memory, aligned to a word, for `'a`.
#[derive(Clone, Copy)]
pub struct Slot<'a> {
    base: *mut u32,
    address: u64,
    stride: usize,
    _pool: PhantomData<&'a ()>,
}

impl Slot<'_> {
    /// The bus address of the slot's first byte.
    #[inline]
    pub fn address(&self) -> u64 {
        self.address
    }

    #[inline]
    fn word(&self, offset: usize, words: usize) -> Option<*mut u32> {
        let end = words.checked_mul(size_of::<u32>())?.checked_add(offset)?;
        if offset % size_of::<u32>() != 0 || end > self.stride {
            return None;
        }
        Some(self.base.wrapping_byte_add(offset))
    }

    /// Writes words at a byte offset. Any context.
    ///
    /// # Errors
    ///
    /// `EINVAL` if they do not fit the slot, or the offset is not a multiple of four.
    #[inline]
    pub fn write<const N: usize>(&self, offset: usize, words: [u32; N]) -> Result {
        let to = self.word(offset, N).ok_or(EINVAL)?;
        for (index, word) in words.into_iter().enumerate() {
            // SAFETY: the pointer must be valid for a write of a word, and aligned. `word` has checked that
            // `N` words from there lie in the slot, at a multiple of four bytes, and by the invariant `base`
            // is aligned and points to the slot's memory. That others access it too, of which the device is
            // one, is no data race: single volatile words are atomic in the kernel's memory model.
            unsafe { to.wrapping_add(index).write_volatile(word) };
        }
        Ok(())
    }

    /// Writes bytes at a byte offset; the last word is filled with zeros. Any context.
    ///
    /// # Errors
    ///
    /// As [`Slot::write`].
    #[inline]
    pub fn write_bytes(&self, offset: usize, bytes: &[u8]) -> Result {
        for (index, chunk) in bytes.chunks(size_of::<u32>()).enumerate() {
            let mut word = [0; size_of::<u32>()];
            for (to, from) in word.iter_mut().zip(chunk) {
                *to = *from;
            }
            self.write(
                offset + index * size_of::<u32>(),
                [u32::from_ne_bytes(word)],
            )?;
        }
        Ok(())
    }

    /// Reads words from a byte offset. Any context.
    ///
    /// # Errors
    ///
    /// As [`Slot::write`].
    #[inline]
    pub fn read<const N: usize>(&self, offset: usize) -> Result<[u32; N]> {
        let from = self.word(offset, N).ok_or(EINVAL)?;
        let mut words = [0; N];
        for (index, word) in words.iter_mut().enumerate() {
            // SAFETY: the pointer must be valid for a read of a word, aligned, and to initialised memory. As in
            // `write`, `word` and the invariant make it valid and aligned; the pool was allocated zeroed.
            *word = unsafe { from.wrapping_add(index).read_volatile() };
        }
        Ok(words)
    }

    /// Copies bytes out, from a byte offset; both the offset and the length are multiples of four.
    ///
    /// # Errors
    ///
    /// As [`Slot::write`].
    pub fn read_bytes(&self, offset: usize, bytes: &mut [u8]) -> Result {
        for (index, chunk) in bytes.chunks_exact_mut(size_of::<u32>()).enumerate() {
            let [word] = self.read::<1>(offset + index * size_of::<u32>())?;
            chunk.copy_from_slice(&word.to_ne_bytes());
        }
        Ok(())
    }
}
