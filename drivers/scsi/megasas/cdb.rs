// SPDX-License-Identifier: GPL-2.0

//! Command descriptor blocks: which commands may go to the firmware as block reads and writes.
//!
//! Source: SBC-4, READ and WRITE (6), (10), (12) and (16).

const READ_6: u8 = 0x08;
const WRITE_6: u8 = 0x0a;
const READ_10: u8 = 0x28;
const WRITE_10: u8 = 0x2a;
const READ_12: u8 = 0xa8;
const WRITE_12: u8 = 0xaa;
const READ_16: u8 = 0x88;
const WRITE_16: u8 = 0x8a;

/// READ and WRITE differ in this bit of the operation code, in all four lengths.
const WRITE_BIT: u8 = 0x02;

/// Disable page out, a hint: the only flag that a block command may lose.
const DPO: u8 = 0x10;

/// The bits beside the group number that limit the duration of the command.
const DURATION_LIMIT: u8 = 0xc0;

/// READ(6) and WRITE(6) have five bits of address in the byte after the operation code.
const LBA_HIGH_6: u8 = 0x1f;

/// READ(6) and WRITE(6) of length zero move this many blocks.
const BLOCKS_OF_ZERO_6: u32 = 256;

/// The direction of a block command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Direction {
    /// From the medium to memory.
    Read,
    /// From memory to the medium.
    Write,
}

impl Direction {
    #[inline]
    const fn of(opcode: u8) -> Self {
        if opcode & WRITE_BIT == 0 {
            Self::Read
        } else {
            Self::Write
        }
    }
}

/// A read or write of whole blocks, without anything that LD_READ and LD_WRITE cannot carry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct BlockIo {
    /// Read or write.
    pub(crate) direction: Direction,
    /// First block.
    pub(crate) lba: u64,
    /// Number of blocks, not zero.
    pub(crate) blocks: u32,
}

impl BlockIo {
    /// Decodes a READ or WRITE of 6, 10, 12 or 16 bytes.
    ///
    /// [`None`] for every other command, and for one that would lose something as LD_READ or
    /// LD_WRITE, which have no place for it: FUA, protection fields, rebuild assist, duration
    /// limits, control bits. Such a command goes to the target as it is. DPO and the group number
    /// are hints and do not keep a command from being a block command.
    ///
    /// A length of zero is 256 blocks in the 6-byte form; in the others it moves nothing, and the
    /// command goes as it is.
    #[inline]
    pub(crate) const fn decode(cdb: &[u8]) -> Option<Self> {
        match *cdb {
            [op @ (READ_10 | WRITE_10), flags, a, b, c, d, group, e, f, 0]
                if plain(flags, group) =>
            {
                Self::new(
                    op,
                    u32::from_be_bytes([a, b, c, d]) as u64,
                    u16::from_be_bytes([e, f]) as u32,
                )
            }
            [op @ (READ_16 | WRITE_16), flags, a, b, c, d, e, f, g, h, i, j, k, l, group, 0]
                if plain(flags, group) =>
            {
                Self::new(
                    op,
                    u64::from_be_bytes([a, b, c, d, e, f, g, h]),
                    u32::from_be_bytes([i, j, k, l]),
                )
            }
            [op @ (READ_12 | WRITE_12), flags, a, b, c, d, e, f, g, h, group, 0]
                if plain(flags, group) =>
            {
                Self::new(
                    op,
                    u32::from_be_bytes([a, b, c, d]) as u64,
                    u32::from_be_bytes([e, f, g, h]),
                )
            }
            [op @ (READ_6 | WRITE_6), a, b, c, blocks, 0] if a & !LBA_HIGH_6 == 0 => Self::new(
                op,
                u32::from_be_bytes([0, a, b, c]) as u64,
                if blocks == 0 {
                    BLOCKS_OF_ZERO_6
                } else {
                    blocks as u32
                },
            ),
            _ => None,
        }
    }

    #[inline]
    const fn new(opcode: u8, lba: u64, blocks: u32) -> Option<Self> {
        if blocks == 0 {
            return None;
        }
        Some(Self {
            direction: Direction::of(opcode),
            lba,
            blocks,
        })
    }
}

/// Whether the flags and the group number ask for nothing that a block command would lose.
#[inline]
const fn plain(flags: u8, group: u8) -> bool {
    flags & !DPO == 0 && group & DURATION_LIMIT == 0
}

/// A CDB that fits into a pass-through frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Cdb {
    bytes: [u8; Self::MAX_LEN],
    len: u8,
}

impl Cdb {
    /// The longest CDB of a pass-through frame in bytes.
    pub(crate) const MAX_LEN: usize = 16;

    /// Copies `cdb`, padded with zeros; [`None`] if it is empty or too long.
    #[inline]
    pub(crate) fn new(cdb: &[u8]) -> Option<Self> {
        if cdb.is_empty() {
            return None;
        }
        let mut bytes = [0; Self::MAX_LEN];
        bytes.get_mut(..cdb.len())?.copy_from_slice(cdb);
        Some(Self {
            bytes,
            len: u8::try_from(cdb.len()).ok()?,
        })
    }

    /// The bytes, padded with zeros.
    #[inline]
    pub(crate) const fn bytes(&self) -> &[u8; Self::MAX_LEN] {
        &self.bytes
    }

    /// The length in bytes, 1 to 16.
    #[inline]
    pub(crate) const fn len(&self) -> u8 {
        self.len
    }
}
