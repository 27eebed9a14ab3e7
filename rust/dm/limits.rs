// SPDX-License-Identifier: GPL-2.0

//! Requests against the limits of queues.
//!
//! C headers: [`include/linux/blkdev.h`](srctree/include/linux/blkdev.h),
//! [`include/linux/blk-mq.h`](srctree/include/linux/blk-mq.h)

use super::fit::{
    Limits,
    Operation,
    Piece,
    Shape, //
};
use super::request::OPERATION;
use crate::bindings;
use core::marker::PhantomData;
use core::ptr::NonNull;
use kernel::bindings::{
    bio,
    bvec_iter,
    request,
    request_queue, //
};
use storage::compat;

/// Bytes of a sector, as a power of two.
const SECTOR_SHIFT: u32 = 9;

/// The limits of a queue as they are now. They can change at any time, each by itself (`max_sectors_kb` in
/// `/sys/block/DISK/queue/`).
///
/// # Safety
///
/// `queue` is a queue that lives until this returns.
pub(super) unsafe fn of_queue(queue: NonNull<request_queue>) -> Limits {
    // SAFETY: a field of a queue that lives, which is the caller's promise; nothing is read here.
    let limits = unsafe { &raw const (*queue.as_ptr()).limits };
    // SAFETY: as above. They are read whole, while who changes them writes each as a whole word; any mix of old
    // and new ones is as good as having asked a moment earlier or later for each.
    let limits = unsafe { limits.read_volatile() };
    Limits {
        max_sectors: [
            limits.max_sectors,
            limits.atomic_write_max_sectors,
            limits.max_discard_sectors.min(u32::MAX >> SECTOR_SHIFT),
            limits
                .max_secure_erase_sectors
                .min(u32::MAX >> SECTOR_SHIFT),
            limits.max_write_zeroes_sectors,
        ],
        max_segments: u32::from(limits.max_segments),
        max_discard_segments: u32::from(limits.max_discard_segments),
        max_integrity_segments: u32::from(limits.max_integrity_segments),
        max_segment_size: limits.max_segment_size,
        // CAST: words of the machine, which has 64 bits.
        segment_boundary_mask: limits.seg_boundary_mask as u64,
        virtual_boundary_mask: limits.virt_boundary_mask as u64,
    }
}

/// What a request is like.
///
/// # Safety
///
/// `rq` is a request that lives and has its bios for all of `'a`, and nobody changes what it moves, or where,
/// meanwhile: no driver has it.
pub(super) unsafe fn of_request<'a>(rq: NonNull<request>) -> Shape<Pieces<'a>> {
    const ATOMIC: u32 = 1 << kernel::bindings::req_flag_bits___REQ_ATOMIC;
    let rq = rq.as_ptr();
    // SAFETY: plain fields of a request that lives, and of those that nobody changes: the caller's promise.
    let (flags, bytes, bio, integrity_segments) = unsafe {
        (
            (*rq).cmd_flags,
            (*rq).__data_len,
            (*rq).bio,
            (*rq).nr_integrity_segments,
        )
    };
    let operation = match flags & OPERATION {
        kernel::bindings::req_op_REQ_OP_DISCARD => Operation::Discard,
        kernel::bindings::req_op_REQ_OP_SECURE_ERASE => Operation::SecureErase,
        kernel::bindings::req_op_REQ_OP_WRITE_ZEROES => Operation::WriteZeroes,
        _ if flags & ATOMIC != 0 => Operation::AtomicWrite,
        _ => Operation::Data,
    };
    // INVARIANT: the request has these bios for `'a`, which is the caller's promise.
    let bios = Bios {
        next: bio,
        _request: PhantomData,
    };
    Shape {
        operation,
        sectors: bytes >> SECTOR_SHIFT,
        // CAST: a request has far less than 4 Gi bios.
        bios: bios.clone().count() as u32,
        integrity_segments: u32::from(integrity_segments),
        pieces: Pieces { bios, in_bio: None },
    }
}

/// The bios of a request.
///
/// # Invariants
///
/// `next` is null or a bio that lives and does not change for `'a`, as do all that are linked from it.
#[derive(Clone)]
struct Bios<'a> {
    next: *mut bio,
    _request: PhantomData<&'a request>,
}

impl<'a> Iterator for Bios<'a> {
    type Item = &'a bio;

    fn next(&mut self) -> Option<&'a bio> {
        // SAFETY: `as_ref` needs null or a bio that lives and is not changed for `'a`: the invariant.
        let bio = unsafe { self.next.as_ref() }?;
        // INVARIANT: linked from the one before.
        self.next = bio.bi_next;
        Some(bio)
    }
}

/// The memory of a request's bios, piece by piece as `rq_for_each_bvec` has it.
#[derive(Clone)]
pub(super) struct Pieces<'a> {
    bios: Bios<'a>,
    /// The bio that it has come to, and how far.
    in_bio: Option<(&'a bio, bvec_iter)>,
}

impl Iterator for Pieces<'_> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        let (bio, mut at) = loop {
            match self.in_bio.take() {
                Some((bio, at)) if at.bi_size != 0 => break (bio, at),
                _ => {
                    let bio = self.bios.next()?;
                    self.in_bio = Some((bio, bio.bi_iter));
                }
            }
        };
        // What moves no data has no vectors.
        if bio.bi_io_vec.is_null() {
            return None;
        }
        // SAFETY: as the iterator of the bio has bytes left, the vector at its index is one of the bio's
        // (`bvec_iter_advance` keeps that so), which lives with it and does not change.
        let vector = unsafe { &*bio.bi_io_vec.add(at.bi_idx as usize) };
        let done = compat::bvec_iter_offset(&at);
        let length = vector.bv_len.saturating_sub(done).min(at.bi_size);
        if length == 0 {
            // No vector is empty; whatever this is, it ends.
            return None;
        }
        let offset = vector.bv_offset.wrapping_add(done);
        // SAFETY: the vector's page is a page, of which its `struct page` is known.
        let page = unsafe { bindings::storage_dm_page_to_phys(vector.bv_page) };
        at.bi_size = at.bi_size.saturating_sub(length);
        at.bi_idx = at.bi_idx.wrapping_add(1);
        compat::set_bvec_iter_offset(&mut at, 0);
        self.in_bio = Some((bio, at));
        Some(Piece {
            address: page.wrapping_add(u64::from(offset)),
            offset,
            length,
        })
    }
}
