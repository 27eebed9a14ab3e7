// SPDX-License-Identifier: GPL-2.0

//! Requests against the limits of queues, beside a transcription of the block layer's check.

use crate::fit::{Excess, Limits, Operation, Piece, Shape};
use proptest::prelude::*;

const SECTOR: u32 = 512;
const PAGE: u64 = 4096;

fn limits() -> Limits {
    Limits {
        max_sectors: [256, 8, 1024, 16, 2048],
        max_segments: 16,
        max_discard_segments: 1,
        max_integrity_segments: 4,
        max_segment_size: 65536,
        segment_boundary_mask: 0xffff_ffff,
        virtual_boundary_mask: 0,
    }
}

/// A request for this many bytes, each page a piece of its own.
fn pages(operation: Operation, bytes: u32) -> Shape<impl Iterator<Item = Piece>> {
    let count = u64::from(bytes).div_ceil(PAGE);
    Shape {
        operation,
        sectors: bytes / SECTOR,
        bios: 1,
        integrity_segments: 0,
        pieces: (0..count).map(|page| Piece {
            address: page * 2 * PAGE,
            offset: 0,
            length: PAGE as u32,
        }),
    }
}

#[test]
fn what_is_within_the_limits_fits() {
    assert_eq!(limits().excess(pages(Operation::Data, 16 * 4096)), None);
}

#[test]
fn each_operation_has_its_own_sectors() {
    use Operation::{AtomicWrite, Data, Discard, SecureErase, WriteZeroes};
    for (operation, limit) in [
        (Data, 256),
        (AtomicWrite, 8),
        (Discard, 1024),
        (SecureErase, 16),
        (WriteZeroes, 2048),
    ] {
        let request = |sectors| Shape {
            operation,
            sectors,
            bios: 1,
            integrity_segments: 0,
            pieces: core::iter::empty(),
        };
        let limits = limits();
        assert_eq!(limits.excess(request(limit)), None, "{operation:?}");
        let excess = limits.excess(request(limit + 1)).unwrap();
        let has = limit + 1;
        assert_eq!(excess, Excess::Sectors { has, limit });
        let text = format!("{has} sectors, limit {limit}");
        assert_eq!(excess.to_string(), text);
    }
}

/// The block layer ends it with `BLK_STS_NOTSUPP`, and not with `BLK_STS_IOERR`.
#[test]
fn what_a_queue_does_not_do_at_all_is_not_too_large() {
    use Operation::{Discard, SecureErase, WriteZeroes};
    let none = Limits {
        max_sectors: [256, 8, 0, 0, 0],
        max_segments: 0,
        ..limits()
    };
    for operation in [Discard, SecureErase, WriteZeroes] {
        let request = Shape {
            operation,
            sectors: 8,
            bios: 1,
            integrity_segments: 0,
            pieces: core::iter::empty(),
        };
        assert_eq!(none.excess(request), None, "{operation:?}");
    }
}

#[test]
fn segments_are_counted() {
    let excess = limits().excess(pages(Operation::Data, 17 * 4096));
    let expected = Excess::Segments { has: 17, limit: 16 };
    assert_eq!(excess, Some(expected));
    // Of a piece that is larger than a segment may be there are several.
    let piece = |address, length| Shape {
        operation: Operation::Data,
        sectors: length / SECTOR,
        bios: 1,
        integrity_segments: 0,
        pieces: core::iter::once(Piece {
            address,
            offset: 0,
            length,
        }),
    };
    let small = Limits {
        max_segment_size: 4096,
        ..limits()
    };
    assert_eq!(small.excess(piece(0, 16 * 4096)), None);
    let expected = Excess::Segments { has: 17, limit: 16 };
    assert_eq!(small.excess(piece(0, 17 * 4096)), Some(expected));
    // And of one across a boundary.
    let bounded = Limits {
        max_segments: 1,
        segment_boundary_mask: 0xffff,
        ..limits()
    };
    assert_eq!(bounded.excess(piece(0xf000, 4096)), None);
    let expected = Excess::Segments { has: 2, limit: 1 };
    assert_eq!(bounded.excess(piece(0xf000, 8192)), Some(expected));
}

#[test]
fn gaps_are_seen() {
    let gapless = Limits {
        virtual_boundary_mask: 4095,
        ..limits()
    };
    let two = |length, offset| Shape {
        operation: Operation::Data,
        sectors: 2,
        bios: 1,
        integrity_segments: 0,
        pieces: [(0, 4096 - length, length), (8192 + offset, offset, 512)]
            .into_iter()
            .map(|(address, offset, length)| Piece {
                address: u64::from(address),
                offset,
                length,
            }),
    };
    assert_eq!(gapless.excess(two(512, 0)), None);
    assert_eq!(gapless.excess(two(512, 8)), Some(Excess::Gap));
    assert_eq!(limits().excess(two(512, 8)), None);
}

#[test]
fn integrity_segments_have_a_limit() {
    let request = Shape {
        integrity_segments: 5,
        ..pages(Operation::Data, 4096)
    };
    let expected = Excess::IntegritySegments { has: 5, limit: 4 };
    assert_eq!(limits().excess(request), Some(expected));
}

/// `blk_recalc_rq_segments` with `bvec_split_segs`, transcribed, for requests that move data.
fn segments_in_c(limits: &Limits, pieces: &[Piece]) -> u32 {
    let mut nsegs = 0;
    for piece in pieces {
        let mut len = piece.length;
        let mut total_len = 0u32;
        while len != 0 {
            let paddr = piece.address + u64::from(total_len);
            let mask = limits.segment_boundary_mask;
            let boundary = mask - (mask & paddr);
            let size = boundary.min(u64::from(limits.max_segment_size) - 1) + 1;
            let seg_size = size.min(u64::from(len)) as u32;
            nsegs += 1;
            total_len += seg_size;
            len -= seg_size;
            if u64::from(piece.offset + total_len) & limits.virtual_boundary_mask != 0 {
                break;
            }
        }
    }
    nsegs
}

fn some_limits() -> impl Strategy<Value = Limits> {
    let max_sectors = prop::sample::select(vec![8, 64, 128, 1024, 2048]);
    let max_segment_size = prop::sample::select(vec![4096, 8192, 65536, u32::MAX]);
    let boundary = prop::sample::select(vec![0xfff, 0xffff, 0xffff_ffff, u64::MAX]);
    let virtual_boundary = prop::sample::select(vec![0, 0, 0xfff]);
    (
        max_sectors,
        1u32..64,
        max_segment_size,
        boundary,
        virtual_boundary,
    )
        .prop_map(
            |(sectors, segments, size, boundary, virtual_boundary)| Limits {
                max_sectors: [sectors; 5],
                max_segments: segments,
                max_segment_size: size,
                segment_boundary_mask: boundary,
                virtual_boundary_mask: virtual_boundary,
                ..limits()
            },
        )
}

fn some_pieces() -> impl Strategy<Value = Vec<Piece>> {
    let piece = (0u64..64, 0u32..8, 1u32..32).prop_map(|(page, sector, sectors)| Piece {
        address: page * PAGE + u64::from(sector * SECTOR),
        offset: sector * SECTOR,
        length: sectors * SECTOR,
    });
    prop::collection::vec(piece, 1..32)
}

proptest! {
    #![proptest_config(super::config())]

    #[test]
    fn a_request_fits_where_the_block_layer_takes_it(
        limits in some_limits(),
        pieces in some_pieces(),
    ) {
        let sectors = pieces.iter().map(|piece| piece.length / SECTOR).sum();
        let request = Shape {
            operation: Operation::Data,
            sectors,
            bios: 1,
            integrity_segments: 0,
            pieces: pieces.iter().copied(),
        };
        let refused = sectors > limits.max_sectors[0]
            || segments_in_c(&limits, &pieces) > limits.max_segments;
        match limits.excess(request) {
            None => prop_assert!(!refused),
            // The block layer does not look for these.
            Some(Excess::Gap) => prop_assert!(limits.virtual_boundary_mask != 0),
            Some(_) => prop_assert!(refused),
        }
    }

    /// What a queue lets through, a path takes whose limits cover the queue's.
    #[test]
    fn what_limits_cover_they_take(
        path in some_limits(),
        map in some_limits(),
        pieces in some_pieces(),
    ) {
        let request = || Shape {
            operation: Operation::Data,
            sectors: pieces.iter().map(|piece| piece.length / SECTOR).sum(),
            bios: 1,
            integrity_segments: 0,
            pieces: pieces.iter().copied(),
        };
        prop_assert!(path.cover(&path));
        if path.cover(&map) && map.excess(request()).is_none() {
            prop_assert_eq!(path.excess(request()), None);
        }
    }
}
