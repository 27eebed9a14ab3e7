// SPDX-License-Identifier: GPL-2.0

//! MFI frames: what the driver writes for the firmware, and the header that the firmware completes.
//!
//! A frame is written as 32-bit words in the device's byte order, so that it goes into DMA memory
//! by plain word writes. Sizes are asserted at compile time at the end of this file; offsets are
//! tested on the host.
//!
//! Source: `drivers/scsi/megaraid/megaraid_sas.h`.

use super::cdb::{
    Cdb,
    Direction, //
};
use super::reply_ring::Context;
use super::status::{
    MfiStatus,
    ScsiStatus, //
};

/// Bytes of a word.
pub(crate) const WORD: usize = size_of::<u32>();

/// Bytes of the unit in which the firmware fetches frames. Frames start at a multiple of it.
pub(crate) const UNIT: usize = 64;

/// Words of the header of every frame.
pub(crate) const HEADER_WORDS: usize = 6;

/// The longest fixed part of a frame with a scatter list, in bytes.
pub(crate) const MAX_FIXED_BYTES: usize = PassFrame::BYTES;

/// The low half of an address, in the device's byte order.
#[inline]
pub(crate) const fn low(addr: u64) -> u32 {
    (addr as u32).to_le()
}

/// The high half of an address, in the device's byte order.
#[inline]
pub(crate) const fn high(addr: u64) -> u32 {
    ((addr >> u32::BITS) as u32).to_le()
}

/// Four bytes that lie in memory in this order, as a word.
#[inline]
pub(super) const fn bytes(bytes: [u8; 4]) -> u32 {
    u32::from_ne_bytes(bytes)
}

/// Two 16-bit fields, lower address first, as a word.
#[inline]
const fn halves(first: u16, second: u16) -> u32 {
    (first as u32 | ((second as u32) << u16::BITS)).to_le()
}

/// The first byte of a frame: what it asks for (`MFI_CMD_*`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Command {
    /// Tell the firmware where the reply ring is.
    Init = 0x00,
    /// Read blocks of a logical drive.
    LdRead = 0x01,
    /// Write blocks of a logical drive.
    LdWrite = 0x02,
    /// A CDB for a logical drive.
    LdScsiIo = 0x03,
    /// A CDB for a physical drive.
    PdScsiIo = 0x04,
    /// A command to the firmware itself.
    Dcmd = 0x05,
    /// Abort another frame.
    Abort = 0x06,
}

impl Command {
    /// The command of a frame's first byte.
    #[cfg(test)]
    pub(crate) const fn from_u8(value: u8) -> Option<Self> {
        Some(match value {
            0x00 => Self::Init,
            0x01 => Self::LdRead,
            0x02 => Self::LdWrite,
            0x03 => Self::LdScsiIo,
            0x04 => Self::PdScsiIo,
            0x05 => Self::Dcmd,
            0x06 => Self::Abort,
            _ => return None,
        })
    }
}

/// The flags of a frame (`MFI_FRAME_*`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Flags(u16);

impl Flags {
    /// 32-bit addresses, no data, reply posted.
    pub(crate) const NONE: Self = Self(0);
    /// Leave the reply ring alone: the driver polls the status byte.
    pub(crate) const DONT_POST: Self = Self(0x0001);
    /// The entries of the scatter list have 64-bit addresses.
    pub(crate) const SGL64: Self = Self(0x0002);
    /// The sense address has 64 bits.
    pub(crate) const SENSE64: Self = Self(0x0004);
    /// Data go to the device.
    pub(crate) const WRITE: Self = Self(0x0008);
    /// Data come from the device.
    pub(crate) const READ: Self = Self(0x0010);
    /// The entries of the scatter list are in IEEE format.
    pub(crate) const IEEE: Self = Self(0x0020);

    /// Both sets of flags.
    #[inline]
    pub(crate) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The bits, in the CPU's byte order.
    #[cfg(test)]
    pub(crate) const fn bits(self) -> u16 {
        self.0
    }

    /// `SENSE64` where the address needs it.
    #[inline]
    const fn for_sense(addr: u64) -> Self {
        if addr > u32::MAX as u64 {
            Self::SENSE64
        } else {
            Self::NONE
        }
    }

    /// The direction of the data; none if there are no data.
    #[inline]
    pub(super) const fn for_data(direction: Option<Direction>) -> Self {
        match direction {
            None => Self::NONE,
            Some(Direction::Read) => Self::READ,
            Some(Direction::Write) => Self::WRITE,
        }
    }
}

/// The part that all frames begin with.
#[derive(Clone, Copy)]
pub(super) struct Header {
    pub(super) command: Command,
    pub(super) sense_len: u8,
    pub(super) cmd_status: MfiStatus,
    pub(super) target: u8,
    pub(super) lun: u8,
    pub(super) cdb_len: u8,
    pub(super) sge_count: u8,
    pub(super) context: Context,
    pub(super) flags: Flags,
    pub(super) timeout: u16,
    pub(super) data_len: u32,
}

impl Header {
    /// A header of a command to the firmware. Its status says [`MfiStatus::INVALID`] until the
    /// firmware has answered, so that it can be polled.
    #[inline]
    pub(super) const fn internal(command: Command, context: Context) -> Self {
        Self {
            command,
            sense_len: 0,
            cmd_status: MfiStatus::INVALID,
            target: 0,
            lun: 0,
            cdb_len: 0,
            sge_count: 0,
            context,
            flags: Flags::NONE,
            timeout: 0,
            data_len: 0,
        }
    }

    #[inline]
    pub(super) const fn encode(self) -> [u32; HEADER_WORDS] {
        [
            bytes([
                self.command as u8,
                self.sense_len,
                self.cmd_status.as_u8(),
                0,
            ]),
            bytes([self.target, self.lun, self.cdb_len, self.sge_count]),
            self.context.as_u32().to_le(),
            0,
            halves(self.flags.0, self.timeout),
            self.data_len.to_le(),
        ]
    }
}

/// A read or write of a logical drive; the scatter list follows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IoFrame {
    /// Read or write.
    pub(crate) direction: Direction,
    /// Target id of the logical drive.
    pub(crate) target: u8,
    /// What the firmware returns in the reply ring.
    pub(crate) context: Context,
    /// The flags of the scatter list's format.
    pub(crate) flags: Flags,
    /// Entries of the scatter list.
    pub(crate) sge_count: u8,
    /// Seconds after which the firmware gives up; zero for never.
    pub(crate) timeout: u16,
    /// First block.
    pub(crate) lba: u64,
    /// Number of blocks.
    pub(crate) blocks: u32,
    /// Where the firmware may write sense data.
    pub(crate) sense_addr: u64,
    /// Bytes that it may write there.
    pub(crate) sense_len: u8,
}

impl IoFrame {
    /// Words before the scatter list.
    pub(crate) const WORDS: usize = 10;

    /// Bytes before the scatter list.
    pub(crate) const BYTES: usize = Self::WORDS * WORD;

    /// The frame up to the scatter list, in the device's byte order.
    #[inline]
    pub(crate) const fn encode(&self) -> [u32; Self::WORDS] {
        let header = Header {
            command: match self.direction {
                Direction::Read => Command::LdRead,
                Direction::Write => Command::LdWrite,
            },
            sense_len: self.sense_len,
            cmd_status: MfiStatus::OK,
            target: self.target,
            lun: 0,
            cdb_len: 0,
            sge_count: self.sge_count,
            context: self.context,
            flags: self
                .flags
                .or(Flags::for_data(Some(self.direction)))
                .or(Flags::for_sense(self.sense_addr)),
            timeout: self.timeout,
            data_len: self.blocks,
        };
        let [a, b, c, d, e, f] = header.encode();
        [
            a,
            b,
            c,
            d,
            e,
            f,
            low(self.sense_addr),
            high(self.sense_addr),
            low(self.lba),
            high(self.lba),
        ]
    }
}

/// Whom a pass-through frame is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum PassTo {
    /// A logical drive.
    Logical,
    /// A physical drive.
    Physical,
}

/// A CDB that goes to the target as it is; the scatter list follows.
///
/// The firmware wants at least one entry in the list, also for a command without data: that takes
/// one entry over a buffer that nobody uses, and a `data_len` of zero.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PassFrame {
    /// The kind of target.
    pub(crate) to: PassTo,
    /// Target id.
    pub(crate) target: u8,
    /// Logical unit of the target.
    pub(crate) lun: u8,
    /// What the firmware returns in the reply ring.
    pub(crate) context: Context,
    /// The flags of the scatter list's format.
    pub(crate) flags: Flags,
    /// Entries of the scatter list.
    pub(crate) sge_count: u8,
    /// Seconds after which the firmware gives up; zero for never.
    pub(crate) timeout: u16,
    /// Where the data go; [`None`] if there are none.
    pub(crate) direction: Option<Direction>,
    /// Bytes of data.
    pub(crate) data_len: u32,
    /// Where the firmware may write sense data.
    pub(crate) sense_addr: u64,
    /// Bytes that it may write there.
    pub(crate) sense_len: u8,
    /// The command.
    pub(crate) cdb: Cdb,
}

impl PassFrame {
    /// Words before the scatter list.
    pub(crate) const WORDS: usize = 12;

    /// Bytes before the scatter list.
    pub(crate) const BYTES: usize = Self::WORDS * WORD;

    /// The frame up to the scatter list, in the device's byte order.
    #[inline]
    pub(crate) const fn encode(&self) -> [u32; Self::WORDS] {
        let header = Header {
            command: match self.to {
                PassTo::Logical => Command::LdScsiIo,
                PassTo::Physical => Command::PdScsiIo,
            },
            sense_len: self.sense_len,
            cmd_status: MfiStatus::OK,
            target: self.target,
            lun: self.lun,
            cdb_len: self.cdb.len(),
            sge_count: self.sge_count,
            context: self.context,
            flags: self
                .flags
                .or(Flags::for_data(self.direction))
                .or(Flags::for_sense(self.sense_addr)),
            timeout: self.timeout,
            data_len: self.data_len,
        };
        let [a, b, c, d, e, f] = header.encode();
        let cdb = self.cdb.bytes();
        [
            a,
            b,
            c,
            d,
            e,
            f,
            low(self.sense_addr),
            high(self.sense_addr),
            bytes([cdb[0], cdb[1], cdb[2], cdb[3]]),
            bytes([cdb[4], cdb[5], cdb[6], cdb[7]]),
            bytes([cdb[8], cdb[9], cdb[10], cdb[11]]),
            bytes([cdb[12], cdb[13], cdb[14], cdb[15]]),
        ]
    }
}

/// Takes back another frame. The firmware answers both, in any order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AbortFrame {
    /// What the firmware returns in the reply ring for the abort itself.
    pub(crate) context: Context,
    /// The context of the frame to abort.
    pub(crate) victim: Context,
    /// The address of the frame to abort.
    pub(crate) victim_addr: u64,
}

impl AbortFrame {
    /// Words of the frame.
    pub(crate) const WORDS: usize = UNIT / WORD;

    /// The frame, in the device's byte order. Its status says [`MfiStatus::INVALID`] until the
    /// firmware has answered.
    #[inline]
    pub(crate) const fn encode(&self) -> [u32; Self::WORDS] {
        let [a, b, c, d, e, f] = Header::internal(Command::Abort, self.context).encode();
        let victim = self.victim.as_u32().to_le();
        let (lo, hi) = (low(self.victim_addr), high(self.victim_addr));
        [a, b, c, d, e, f, victim, 0, lo, hi, 0, 0, 0, 0, 0, 0]
    }
}

/// Tells the firmware where its queues are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InitFrame {
    /// Not returned: the driver polls the status byte.
    pub(crate) context: Context,
    /// The address of an encoded [`QueueInfo`].
    pub(crate) queue_info_addr: u64,
}

impl InitFrame {
    /// Words of the frame.
    pub(crate) const WORDS: usize = UNIT / WORD;

    /// The frame, in the device's byte order. Its status says [`MfiStatus::INVALID`] until the
    /// firmware has answered.
    #[inline]
    pub(crate) const fn encode(&self) -> [u32; Self::WORDS] {
        let header = Header {
            flags: Flags::DONT_POST,
            data_len: QueueInfo::BYTES as u32,
            ..Header::internal(Command::Init, self.context)
        };
        let [a, b, c, d, e, f] = header.encode();
        let (lo, hi) = (low(self.queue_info_addr), high(self.queue_info_addr));
        [a, b, c, d, e, f, lo, hi, 0, 0, 0, 0, 0, 0, 0, 0]
    }
}

/// Where the reply ring and its indices are. Contexts in the ring have 32 bits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QueueInfo {
    /// Entries of the reply ring.
    pub(crate) entries: u32,
    /// The address of the ring.
    pub(crate) ring_addr: u64,
    /// The address of the index that the firmware moves.
    pub(crate) producer_addr: u64,
    /// The address of the index that the driver moves.
    pub(crate) consumer_addr: u64,
}

impl QueueInfo {
    /// Words of the structure.
    pub(crate) const WORDS: usize = 8;

    /// Bytes of the structure.
    pub(crate) const BYTES: usize = Self::WORDS * WORD;

    /// The structure, in the device's byte order.
    #[inline]
    pub(crate) const fn encode(&self) -> [u32; Self::WORDS] {
        [
            0,
            self.entries.to_le(),
            low(self.ring_addr),
            high(self.ring_addr),
            low(self.producer_addr),
            high(self.producer_addr),
            low(self.consumer_addr),
            high(self.consumer_addr),
        ]
    }
}

/// What the firmware wrote into the header of a frame that it has finished.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Completion {
    /// How the firmware fared.
    pub(crate) cmd_status: MfiStatus,
    /// How the target fared.
    pub(crate) scsi_status: ScsiStatus,
    /// Bytes of sense data that the firmware says it wrote. May be more than there is room for.
    pub(crate) sense_len: u8,
}

impl Completion {
    /// Decodes a copy of the first word of a frame, in the device's byte order: the only one that the
    /// firmware writes.
    #[inline]
    pub(crate) const fn from_words([word]: [u32; 1]) -> Self {
        let [_, sense_len, cmd_status, scsi_status] = word.to_ne_bytes();
        Self {
            cmd_status: MfiStatus::from_u8(cmd_status),
            scsi_status: ScsiStatus::from_u8(scsi_status),
            sense_len,
        }
    }
}

// The layouts of `megasas_header`, `megasas_io_frame`, `megasas_pthru_frame`,
// `megasas_abort_frame`, `megasas_init_frame` and `megasas_init_queue_info`.
const _: () = {
    assert!(HEADER_WORDS * WORD == 0x18);
    assert!(IoFrame::BYTES == 0x28);
    assert!(PassFrame::BYTES == 0x30);
    assert!(AbortFrame::WORDS * WORD == 0x40);
    assert!(InitFrame::WORDS * WORD == 0x40);
    assert!(QueueInfo::BYTES == 0x20);
};
