// SPDX-License-Identifier: GPL-2.0

//! Whether a request is within what a queue takes.
//!
//! The block layer checks a clone against the limits of its queue, and refuses it with the same I/O error as
//! any other failure (`blk_insert_cloned_request` in `block/blk-mq.c`). Here is the same check, for a target
//! that has to know before it sends a request, or has to tell such a refusal from another error.
//!
//! Source: `blk_queue_get_max_sectors`, `blk_rq_get_max_segments` in `block/blk.h`,
//! `blk_recalc_rq_segments`, `bvec_split_segs` in `block/blk-merge.c`.

use core::fmt;

/// What a request does, as far as queues have limits of their own for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Operation {
    /// Data is moved.
    Data,
    /// Data is written as a whole or not at all.
    AtomicWrite,
    /// Blocks are given back.
    Discard,
    /// Blocks are given back and can never be read again.
    SecureErase,
    /// Blocks become zero without data being moved.
    WriteZeroes,
}

/// The limits of a queue that requests have to keep.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Limits {
    /// Sectors of 512 bytes of each [`Operation`], in its order.
    pub(crate) max_sectors: [u32; 5],
    /// Segments of data.
    pub(crate) max_segments: u32,
    /// Ranges of a discard.
    pub(crate) max_discard_segments: u32,
    /// Segments of protection information.
    pub(crate) max_integrity_segments: u32,
    /// Bytes of a segment.
    pub(crate) max_segment_size: u32,
    /// A segment does not cross an address with these bits clear and one bit more.
    pub(crate) segment_boundary_mask: u64,
    /// Segments but the first begin, and but the last end, at an address with these bits clear.
    pub(crate) virtual_boundary_mask: u64,
}

/// A piece of memory without a gap in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Piece {
    /// Its physical address.
    pub(crate) address: u64,
    /// Where it begins in its page, bytes.
    pub(crate) offset: u32,
    /// Bytes.
    pub(crate) length: u32,
}

/// A request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape<P> {
    /// What it does.
    pub(crate) operation: Operation,
    /// Sectors of 512 bytes.
    pub(crate) sectors: u32,
    /// Its bios.
    pub(crate) bios: u32,
    /// Segments of protection information.
    pub(crate) integrity_segments: u32,
    /// Its memory, in order.
    pub(crate) pieces: P,
}

/// What of a request a queue does not take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Excess {
    /// It has more sectors of 512 bytes than the queue takes of its operation.
    Sectors {
        /// What it has.
        has: u32,
        /// What the queue takes.
        limit: u32,
    },
    /// It has more segments.
    Segments {
        /// What it has.
        has: u32,
        /// What the queue takes.
        limit: u32,
    },
    /// Its protection information has more segments.
    IntegritySegments {
        /// What it has.
        has: u32,
        /// What the queue takes.
        limit: u32,
    },
    /// Its memory has gaps.
    Gap,
}

impl fmt::Display for Excess {
    /// `2048 sectors, limit 1024`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (has, what, limit) = match self {
            Self::Sectors { has, limit } => (has, "sectors", limit),
            Self::Segments { has, limit } => (has, "segments", limit),
            Self::IntegritySegments { has, limit } => (has, "integrity segments", limit),
            Self::Gap => return out.write_str("memory with gaps, which the queue does not allow"),
        };
        write!(out, "{has} {what}, limit {limit}")
    }
}

fn over(has: u32, limit: u32, excess: fn(u32, u32) -> Excess) -> Option<Excess> {
    (has > limit).then(|| excess(has, limit))
}

impl Limits {
    /// Whether what keeps `other` keeps these limits as well.
    pub(crate) fn cover(&self, other: &Self) -> bool {
        let mut sectors = self.max_sectors.iter().zip(&other.max_sectors);
        sectors.all(|(own, other)| own >= other)
            && self.max_segments >= other.max_segments
            && self.max_discard_segments >= other.max_discard_segments
            && self.max_integrity_segments >= other.max_integrity_segments
            && self.max_segment_size >= other.max_segment_size
            && self.segment_boundary_mask & other.segment_boundary_mask
                == other.segment_boundary_mask
            && self.virtual_boundary_mask & !other.virtual_boundary_mask == 0
    }

    /// What of a request they do not allow, if anything. An operation of which they allow nothing is not too
    /// large: the block layer ends it as not supported, which is the right answer to it.
    pub(crate) fn excess(&self, request: Shape<impl Iterator<Item = Piece>>) -> Option<Excess> {
        let [data, atomic, discard, erase, zeroes] = self.max_sectors;
        let (max_sectors, max_segments) = match request.operation {
            Operation::Data => (data, self.max_segments),
            Operation::AtomicWrite => (atomic, self.max_segments),
            Operation::Discard => (discard, self.max_discard_segments),
            Operation::SecureErase => (erase, self.max_segments),
            Operation::WriteZeroes => (zeroes, self.max_segments),
        };
        if max_sectors == 0 && request.sectors != 0 {
            return None;
        }
        let sectors = over(request.sectors, max_sectors, |has, limit| Excess::Sectors {
            has,
            limit,
        });
        let integrity = over(
            request.integrity_segments,
            self.max_integrity_segments,
            |has, limit| Excess::IntegritySegments { has, limit },
        );
        let (segments, has_gap) = match request.operation {
            Operation::Data | Operation::AtomicWrite => self.segments(request.pieces),
            Operation::Discard | Operation::SecureErase if self.max_discard_segments > 1 => {
                (request.bios, false)
            }
            Operation::Discard | Operation::SecureErase => (1, false),
            Operation::WriteZeroes => (0, false),
        };
        let segments = over(segments, max_segments, |has, limit| Excess::Segments {
            has,
            limit,
        });
        sectors
            .or(segments)
            .or(integrity)
            .or(has_gap.then_some(Excess::Gap))
    }

    /// How many segments some memory makes, and whether there are gaps that these limits do not allow.
    fn segments(&self, pieces: impl Iterator<Item = Piece>) -> (u32, bool) {
        let mut count = 0u32;
        let mut has_gap = false;
        let mut end: Option<u32> = None;
        for piece in pieces {
            let is_odd = |at: u32| u64::from(at) & self.virtual_boundary_mask != 0;
            has_gap |= end.is_some_and(|end| is_odd(end) || is_odd(piece.offset));
            end = Some(piece.offset.wrapping_add(piece.length));
            let mut done = 0u32;
            while done < piece.length {
                count = count.saturating_add(1);
                let left = piece.length.saturating_sub(done);
                let address = piece.address.wrapping_add(u64::from(done));
                done = done.saturating_add(self.segment_size(address, left));
                if is_odd(piece.offset.wrapping_add(done)) {
                    // The block layer counts no further.
                    break;
                }
            }
        }
        (count, has_gap)
    }

    /// Bytes of `length` from `address` on that one segment takes; one at least.
    fn segment_size(&self, address: u64, length: u32) -> u32 {
        let boundary = self.segment_boundary_mask;
        let to_boundary = (boundary & !address).saturating_add(1);
        let size = to_boundary
            .min(u64::from(self.max_segment_size))
            .min(u64::from(length));
        // CAST: not above `length`.
        (size as u32).max(1)
    }
}
