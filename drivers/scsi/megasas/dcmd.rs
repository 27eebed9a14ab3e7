// SPDX-License-Identifier: GPL-2.0

//! Direct commands: what the driver asks the firmware itself, in place of a drive.
//!
//! Source: `megasas_dcmd_frame` and `MR_DCMD_*` in `drivers/scsi/megaraid/megaraid_sas.h`.

use super::cdb::Direction;
use super::frame::{
    bytes,
    Command,
    Flags,
    Header,
    WORD, //
};
use super::reply_ring::Context;
use super::sgl::Format;

/// A command to the firmware itself (`MR_DCMD_*`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Opcode(u32);

impl Opcode {
    /// Read the controller's properties and limits.
    pub(crate) const CTRL_GET_INFO: Self = Self(0x0101_0000);
    /// Stop the controller; no frame may follow.
    pub(crate) const CTRL_SHUTDOWN: Self = Self(0x0105_0000);
    /// Flush caches; the mailbox says which.
    pub(crate) const CTRL_CACHE_FLUSH: Self = Self(0x0110_1000);
    /// List the physical drives that match the query in the mailbox.
    pub(crate) const PD_LIST_QUERY: Self = Self(0x0201_0100);
    /// List the logical drives.
    pub(crate) const LD_GET_LIST: Self = Self(0x0301_0000);
    /// Reset the logical drive whose target id is in the mailbox.
    pub(crate) const CLUSTER_RESET_LD: Self = Self(0x0801_0200);

    /// The number, as the firmware has it.
    pub(crate) const fn as_u32(self) -> u32 {
        self.0
    }

    /// An opcode from elsewhere, such as user space.
    #[cfg(test)]
    pub(crate) const fn from_u32(value: u32) -> Self {
        Self(value)
    }
}

/// The format of the entry that follows a [`DcmdFrame`].
pub(crate) const DCMD_FORMAT: Format = Format::Sge32;

/// The arguments of a command to the firmware.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Mbox([u8; Self::BYTES]);

impl Mbox {
    /// Bytes of the arguments.
    pub(crate) const BYTES: usize = 12;

    /// No arguments.
    pub(crate) const EMPTY: Self = Self([0; Self::BYTES]);

    /// [`Opcode::CTRL_CACHE_FLUSH`]: the controller's cache and the caches of the drives.
    pub(crate) const FLUSH_ALL: Self = Self::from_u8(0x01 | 0x02);

    /// [`Opcode::CTRL_GET_INFO`], as the C driver asks for it.
    pub(crate) const CTRL_INFO: Self = Self::from_u8(1);

    /// [`Opcode::PD_LIST_QUERY`]: the drives that the host may use directly.
    pub(crate) const PD_EXPOSED_TO_HOST: Self = Self::from_u8(5);

    /// One byte, then zeros.
    #[inline]
    pub(crate) const fn from_u8(value: u8) -> Self {
        Self([value, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    }

    /// One 16-bit argument, such as the target id of [`Opcode::CLUSTER_RESET_LD`], then zeros.
    #[inline]
    pub(crate) const fn from_u16(value: u16) -> Self {
        let [a, b] = value.to_le_bytes();
        Self([a, b, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    }

    /// Three 32-bit arguments.
    #[cfg(test)]
    pub(crate) const fn from_words(words: [u32; 3]) -> Self {
        let [a, b, c, d] = words[0].to_le_bytes();
        let [e, f, g, h] = words[1].to_le_bytes();
        let [i, j, k, l] = words[2].to_le_bytes();
        Self([a, b, c, d, e, f, g, h, i, j, k, l])
    }

    /// The bytes as they lie in the frame.
    #[cfg(test)]
    pub(crate) const fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }
}

/// A command to the firmware itself; at most one scatter-gather entry follows.
///
/// That is always one with a 32-bit address, whatever format the frames of SCSI commands have: data of
/// direct commands are in coherent memory, which is below 4 GiB, and the C driver sends no other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DcmdFrame {
    /// The command.
    pub(crate) opcode: Opcode,
    /// Its arguments.
    pub(crate) mbox: Mbox,
    /// What the firmware returns in the reply ring.
    pub(crate) context: Context,
    /// Where the data go; [`None`] if there are none.
    pub(crate) direction: Option<Direction>,
    /// Bytes of data; zero if there are none.
    pub(crate) data_len: u32,
}

impl DcmdFrame {
    /// Words before the scatter list.
    pub(crate) const WORDS: usize = 10;

    /// Bytes before the scatter list.
    pub(crate) const BYTES: usize = Self::WORDS * WORD;

    /// The frame up to the scatter list, in the device's byte order. Its status says
    /// [`MfiStatus::INVALID`] until the firmware has answered.
    #[inline]
    pub(crate) const fn encode(&self) -> [u32; Self::WORDS] {
        let header = Header {
            sge_count: (self.data_len != 0) as u8,
            flags: DCMD_FORMAT.flags().or(Flags::for_data(self.direction)),
            data_len: self.data_len,
            ..Header::internal(Command::Dcmd, self.context)
        };
        let [a, b, c, d, e, f] = header.encode();
        let mbox = &self.mbox.0;
        [
            a,
            b,
            c,
            d,
            e,
            f,
            self.opcode.0.to_le(),
            bytes([mbox[0], mbox[1], mbox[2], mbox[3]]),
            bytes([mbox[4], mbox[5], mbox[6], mbox[7]]),
            bytes([mbox[8], mbox[9], mbox[10], mbox[11]]),
        ]
    }
}

// The layout of `megasas_dcmd_frame`.
const _: () = assert!(DcmdFrame::BYTES == 0x28);
