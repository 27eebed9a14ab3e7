// SPDX-License-Identifier: GPL-2.0

use crate::cdb::{BlockIo, Cdb, Direction};
use proptest::prelude::*;

/// A CDB's layout by its operation code, from the tables of SBC-4: length, bytes of the address,
/// bytes of the transfer length, and the bits that a block command may carry in each other byte.
struct Layout {
    len: usize,
    lba: std::ops::Range<usize>,
    blocks: std::ops::Range<usize>,
    allowed: &'static [(usize, u8)],
}

fn layout(opcode: u8) -> Option<(Layout, Direction)> {
    let direction = match opcode {
        0x08 | 0x28 | 0xa8 | 0x88 => Direction::Read,
        0x0a | 0x2a | 0xaa | 0x8a => Direction::Write,
        _ => return None,
    };
    let layout = match opcode >> 5 {
        0 => Layout {
            len: 6,
            lba: 1..4,
            blocks: 4..5,
            allowed: &[(5, 0)],
        },
        1 => Layout {
            len: 10,
            lba: 2..6,
            blocks: 7..9,
            allowed: &[(1, 0x10), (6, 0x3f), (9, 0)],
        },
        5 => Layout {
            len: 12,
            lba: 2..6,
            blocks: 6..10,
            allowed: &[(1, 0x10), (10, 0x3f), (11, 0)],
        },
        4 => Layout {
            len: 16,
            lba: 2..10,
            blocks: 10..14,
            allowed: &[(1, 0x10), (14, 0x3f), (15, 0)],
        },
        _ => return None,
    };
    Some((layout, direction))
}

fn big_endian(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |sum, &byte| sum * 256 + u64::from(byte))
}

fn reference(cdb: &[u8]) -> Option<BlockIo> {
    let (layout, direction) = layout(*cdb.first()?)?;
    if cdb.len() != layout.len
        || layout
            .allowed
            .iter()
            .any(|&(at, bits)| cdb[at] & !bits != 0)
    {
        return None;
    }
    let lba = big_endian(&cdb[layout.lba]);
    let blocks = big_endian(&cdb[layout.blocks]) as u32;
    if layout.len == 6 {
        // The three highest bits of the address field are reserved.
        return (lba < 1 << 21).then_some(BlockIo {
            direction,
            lba,
            blocks: if blocks == 0 { 256 } else { blocks },
        });
    }
    (blocks > 0).then_some(BlockIo {
        direction,
        lba,
        blocks,
    })
}

#[test]
fn read_6_of_zero_blocks_reads_256() {
    assert_eq!(
        BlockIo::decode(&[0x08, 0x1f, 0xff, 0xff, 0, 0]),
        Some(BlockIo {
            direction: Direction::Read,
            lba: 0x1f_ffff,
            blocks: 256
        })
    );
}

#[test]
fn write_16_has_64_bits_of_address() {
    let cdb = [0x8a, 0x10, 1, 2, 3, 4, 5, 6, 7, 8, 0x80, 0, 0, 9, 0x1f, 0];
    assert_eq!(
        BlockIo::decode(&cdb),
        Some(BlockIo {
            direction: Direction::Write,
            lba: 0x0102_0304_0506_0708,
            blocks: 0x8000_0009
        })
    );
}

#[test]
fn what_a_block_command_would_lose_goes_as_it_is() {
    let read_10 = [0x28, 0, 0, 0, 0, 1, 0, 0, 1, 0];
    assert!(BlockIo::decode(&read_10).is_some());
    for (byte, bits, what) in [
        (1, 0x20, "protection"),
        (1, 0x08, "FUA"),
        (1, 0x04, "rebuild assist"),
        (1, 0x02, "FUA_NV"),
        (6, 0x40, "duration limit"),
        (9, 0x04, "NACA"),
    ] {
        let mut cdb = read_10;
        cdb[byte] |= bits;
        assert_eq!(BlockIo::decode(&cdb), None, "{what}");
    }
}

#[test]
fn hints_do_not_keep_a_command_from_being_a_block_command() {
    let read_10 = [0x28, 0x10, 0, 0, 0, 1, 0x1f, 0, 1, 0];
    assert!(BlockIo::decode(&read_10).is_some());
}

#[test]
fn other_commands_are_not_block_commands() {
    // TEST UNIT READY, INQUIRY, SYNCHRONIZE CACHE, WRITE AND VERIFY, UNMAP, VERIFY, READ(32).
    for opcode in [0x00, 0x12, 0x35, 0x2e, 0x42, 0x2f, 0x7f] {
        for len in 0..40 {
            let mut cdb = vec![0; len];
            cdb.iter_mut().take(1).for_each(|byte| *byte = opcode);
            cdb.iter_mut().skip(7).for_each(|byte| *byte = 1);
            assert_eq!(BlockIo::decode(&cdb), None, "{opcode:#x} of {len} bytes");
        }
    }
}

#[test]
fn a_cdb_fits_or_is_refused() {
    let bytes: Vec<u8> = (1..=17).collect();
    assert_eq!(Cdb::new(&[]), None);
    assert_eq!(Cdb::new(&bytes), None);
    for len in 1..=16 {
        let cdb = Cdb::new(&bytes[..len]).unwrap();
        assert_eq!(usize::from(cdb.len()), len);
        assert_eq!(cdb.bytes()[..len], bytes[..len]);
        assert!(cdb.bytes()[len..].iter().all(|&byte| byte == 0));
    }
}

/// CDBs of the eight operation codes, mostly of the right length and mostly plain.
fn block_cdb() -> impl Strategy<Value = Vec<u8>> {
    let opcode = prop::sample::select(vec![0x08u8, 0x0a, 0x28, 0x2a, 0xa8, 0xaa, 0x88, 0x8a]);
    let bytes = prop::array::uniform16(any::<u8>());
    (opcode, bytes, 0..4u8, 0..4u8, 0..6usize).prop_map(|(opcode, mut bytes, noise, zero, cut)| {
        let (layout, _) = layout(opcode).unwrap();
        bytes[0] = opcode;
        if noise != 0 {
            for &(at, bits) in layout.allowed {
                bytes[at] &= bits;
            }
            if layout.len == 6 {
                bytes[1] &= 0x1f;
            }
        }
        if zero == 0 {
            bytes[layout.blocks].fill(0);
        }
        let len = match cut {
            0 => layout.len - 1,
            1 => (layout.len + 1).min(bytes.len()),
            _ => layout.len,
        };
        bytes[..len].to_vec()
    })
}

proptest! {
    #![proptest_config(super::config())]

    #[test]
    fn block_commands_decode_as_the_reference(cdb in block_cdb()) {
        prop_assert_eq!(BlockIo::decode(&cdb), reference(&cdb));
    }

    #[test]
    fn any_bytes_decode_as_the_reference(cdb in prop::collection::vec(any::<u8>(), 0..40)) {
        prop_assert_eq!(BlockIo::decode(&cdb), reference(&cdb));
    }
}
