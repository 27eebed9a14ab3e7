// SPDX-License-Identifier: GPL-2.0

//! Each frame against a structure with the layout of the C header, field by field.

use super::as_bytes;
use crate::cdb::{Cdb, Direction};
use crate::dcmd::{DcmdFrame, Mbox, Opcode};
use crate::frame::{
    AbortFrame, Command, Completion, Flags, InitFrame, IoFrame, PassFrame, PassTo, QueueInfo,
};
use crate::generation::Generation;
use crate::reply_ring::Context;
use crate::sgl::Format;
use crate::status::{MfiStatus, ScsiStatus};
use proptest::prelude::*;

/// Reads fields at the offsets of the C structures.
struct Fields(Vec<u8>);

impl Fields {
    fn new(words: &[u32]) -> Self {
        Self(as_bytes(words))
    }

    fn u8(&self, offset: usize) -> u8 {
        self.0[offset]
    }

    fn u16(&self, offset: usize) -> u16 {
        u16::from_le_bytes(self.0[offset..offset + 2].try_into().unwrap())
    }

    fn u32(&self, offset: usize) -> u32 {
        u32::from_le_bytes(self.0[offset..offset + 4].try_into().unwrap())
    }

    fn u64(&self, offset: usize) -> u64 {
        u64::from_le_bytes(self.0[offset..offset + 8].try_into().unwrap())
    }

    fn assert_zero(&self, range: std::ops::Range<usize>) {
        assert!(
            self.0[range.clone()].iter().all(|&byte| byte == 0),
            "{range:?}"
        );
    }
}

fn context(word: u32) -> Context {
    Context::from_u32(word)
}

fn any_format() -> impl Strategy<Value = Format> {
    prop::sample::select(vec![Format::Sge32, Format::Sge64, Format::Ieee])
}

fn any_direction() -> impl Strategy<Value = Direction> {
    prop::sample::select(vec![Direction::Read, Direction::Write])
}

/// The flags that a frame must have: the direction, the format, and 64 bits of sense address.
fn flags(direction: Option<Direction>, format: Format, sense_addr: u64) -> u16 {
    let direction = match direction {
        None => 0,
        Some(Direction::Read) => 0x10,
        Some(Direction::Write) => 0x08,
    };
    let format = match format {
        Format::Sge32 => 0,
        Format::Sge64 => 0x02,
        Format::Ieee => 0x22,
    };
    direction | format | if sense_addr >> 32 == 0 { 0 } else { 0x04 }
}

#[test]
fn commands_have_their_numbers() {
    for value in 0..=u8::MAX {
        let command = Command::from_u8(value);
        assert_eq!(command.is_some(), value <= 6);
        if let Some(command) = command {
            assert_eq!(command as u8, value);
        }
    }
}

#[test]
fn init_tells_where_the_queue_information_is() {
    let frame = InitFrame {
        context: context(7),
        queue_info_addr: 0x0123_4567_89ab_cdc0,
    };
    let fields = Fields::new(&frame.encode());
    assert_eq!(fields.0.len(), 64);
    assert_eq!(fields.u8(0x00), 0x00);
    assert_eq!(fields.u8(0x02), 0xff);
    assert_eq!(fields.u32(0x08), 7);
    assert_eq!(fields.u16(0x10), Flags::DONT_POST.bits());
    assert_eq!(fields.u32(0x14), 32);
    assert_eq!(fields.u64(0x18), 0x0123_4567_89ab_cdc0);
    fields.assert_zero(0x03..0x08);
    fields.assert_zero(0x20..0x40);
}

#[test]
fn queue_information_has_three_addresses() {
    let info = QueueInfo {
        entries: 1008,
        ring_addr: 0x1_0000_1000,
        producer_addr: 0x2_0000_2000,
        consumer_addr: 0x3_0000_3004,
    };
    let fields = Fields::new(&info.encode());
    assert_eq!(fields.0.len(), 32);
    // No flags: contexts of 32 bits.
    assert_eq!(fields.u32(0x00), 0);
    assert_eq!(fields.u32(0x04), 1008);
    assert_eq!(fields.u64(0x08), 0x1_0000_1000);
    assert_eq!(fields.u64(0x10), 0x2_0000_2000);
    assert_eq!(fields.u64(0x18), 0x3_0000_3004);
}

#[test]
fn abort_names_its_victim() {
    let frame = AbortFrame {
        context: context(9),
        victim: context(0x0000_5abc),
        victim_addr: 0x12_3456_7880,
    };
    let fields = Fields::new(&frame.encode());
    assert_eq!(fields.0.len(), 64);
    assert_eq!(fields.u8(0x00), 0x06);
    assert_eq!(fields.u8(0x02), 0xff);
    assert_eq!(fields.u32(0x08), 9);
    assert_eq!(fields.u16(0x10), 0);
    assert_eq!(fields.u32(0x18), 0x5abc);
    assert_eq!(fields.u32(0x1c), 0);
    assert_eq!(fields.u64(0x20), 0x12_3456_7880);
    fields.assert_zero(0x28..0x40);
}

#[test]
fn mailboxes_are_little_endian() {
    let mbox = |mbox| {
        let frame = DcmdFrame {
            opcode: Opcode::CTRL_CACHE_FLUSH,
            mbox,
            context: context(1),
            direction: None,
            data_len: 0,
        };
        as_bytes(&frame.encode())[0x1c..0x28].to_vec()
    };
    assert_eq!(mbox(Mbox::EMPTY), [0; 12]);
    assert_eq!(mbox(Mbox::FLUSH_ALL), [3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(mbox(Mbox::PD_EXPOSED_TO_HOST)[0], 5);
    assert_eq!(mbox(Mbox::CTRL_INFO)[0], 1);
    assert_eq!(mbox(Mbox::from_u16(0x1234))[..4], [0x34, 0x12, 0, 0]);
    assert_eq!(
        mbox(Mbox::from_words([0x0403_0201, 0x0807_0605, 0x0c0b_0a09])),
        (1..=12).collect::<Vec<u8>>()
    );
}

proptest! {
    #![proptest_config(super::config())]

    #[test]
    fn a_block_command_has_its_fields(
        (direction, format) in (any_direction(), any_format()),
        (target, sge_count, sense_len) in any::<(u8, u8, u8)>(),
        (word, timeout, lba, blocks) in any::<(u32, u16, u64, u32)>(),
        sense_addr in prop_oneof![any::<u64>(), any::<u32>().prop_map(u64::from)],
    ) {
        let frame = IoFrame {
            direction,
            target,
            context: context(word),
            flags: format.flags(),
            sge_count,
            timeout,
            lba,
            blocks,
            sense_addr,
            sense_len,
        };
        let fields = Fields::new(&frame.encode());
        prop_assert_eq!(fields.0.len(), 0x28);
        prop_assert_eq!(fields.u8(0x00), if direction == Direction::Read { 1 } else { 2 });
        prop_assert_eq!(fields.u8(0x01), sense_len);
        prop_assert_eq!(fields.u8(0x02), 0);
        prop_assert_eq!(fields.u8(0x03), 0);
        prop_assert_eq!(fields.u8(0x04), target);
        prop_assert_eq!(fields.u8(0x05), 0);
        prop_assert_eq!(fields.u8(0x06), 0);
        prop_assert_eq!(fields.u8(0x07), sge_count);
        prop_assert_eq!(fields.u32(0x08), word);
        prop_assert_eq!(fields.u32(0x0c), 0);
        prop_assert_eq!(fields.u16(0x10), flags(Some(direction), format, sense_addr));
        prop_assert_eq!(fields.u16(0x12), timeout);
        prop_assert_eq!(fields.u32(0x14), blocks);
        prop_assert_eq!(fields.u64(0x18), sense_addr);
        prop_assert_eq!(fields.u64(0x20), lba);
    }

    #[test]
    fn a_pass_through_command_has_its_fields(
        (physical, format) in (any::<bool>(), any_format()),
        direction in prop::option::of(any_direction()),
        (target, lun, sge_count, sense_len) in any::<(u8, u8, u8, u8)>(),
        (word, timeout, data_len) in any::<(u32, u16, u32)>(),
        sense_addr in prop_oneof![any::<u64>(), any::<u32>().prop_map(u64::from)],
        bytes in prop::collection::vec(any::<u8>(), 1..=16),
    ) {
        let frame = PassFrame {
            to: if physical { PassTo::Physical } else { PassTo::Logical },
            target,
            lun,
            context: context(word),
            flags: format.flags(),
            sge_count,
            timeout,
            direction,
            data_len,
            sense_addr,
            sense_len,
            cdb: Cdb::new(&bytes).unwrap(),
        };
        let fields = Fields::new(&frame.encode());
        prop_assert_eq!(fields.0.len(), 0x30);
        prop_assert_eq!(fields.u8(0x00), if physical { 4 } else { 3 });
        prop_assert_eq!(fields.u8(0x01), sense_len);
        prop_assert_eq!(fields.u16(0x02), 0);
        prop_assert_eq!(fields.u8(0x04), target);
        prop_assert_eq!(fields.u8(0x05), lun);
        prop_assert_eq!(usize::from(fields.u8(0x06)), bytes.len());
        prop_assert_eq!(fields.u8(0x07), sge_count);
        prop_assert_eq!(fields.u32(0x08), word);
        prop_assert_eq!(fields.u32(0x0c), 0);
        prop_assert_eq!(fields.u16(0x10), flags(direction, format, sense_addr));
        prop_assert_eq!(fields.u16(0x12), timeout);
        prop_assert_eq!(fields.u32(0x14), data_len);
        prop_assert_eq!(fields.u64(0x18), sense_addr);
        let mut padded = bytes.clone();
        padded.resize(16, 0);
        prop_assert_eq!(&fields.0[0x20..0x30], &padded[..]);
    }

    #[test]
    fn a_direct_command_has_its_fields(
        (opcode, mbox, word) in any::<(u32, [u8; 12], u32)>(),
        direction in prop::option::of(any_direction()),
        data_len in prop_oneof![Just(0), any::<u32>()],
    ) {
        let frame = DcmdFrame {
            opcode: Opcode::from_u32(opcode),
            mbox: Mbox::from_bytes(mbox),
            context: context(word),
            direction,
            data_len,
        };
        let fields = Fields::new(&frame.encode());
        prop_assert_eq!(fields.0.len(), 0x28);
        prop_assert_eq!(fields.u8(0x00), 5);
        prop_assert_eq!(fields.u8(0x01), 0);
        prop_assert_eq!(fields.u8(0x02), 0xff);
        prop_assert_eq!(fields.u32(0x03), 0);
        prop_assert_eq!(fields.u8(0x07), u8::from(data_len != 0));
        prop_assert_eq!(fields.u32(0x08), word);
        prop_assert_eq!(fields.u32(0x0c), 0);
        // Never a 64-bit or an IEEE entry: the C driver sends none with a direct command.
        prop_assert_eq!(fields.u16(0x10), flags(direction, Format::Sge32, 0));
        prop_assert_eq!(fields.u16(0x12), 0);
        prop_assert_eq!(fields.u32(0x14), data_len);
        prop_assert_eq!(fields.u32(0x18), opcode);
        prop_assert_eq!(&fields.0[0x1c..0x28], &mbox[..]);
    }

    #[test]
    fn a_completion_is_read_from_its_bytes(bytes: [u8; 4]) {
        let expected = Completion {
            cmd_status: MfiStatus::from_u8(bytes[2]),
            scsi_status: ScsiStatus::from_u8(bytes[3]),
            sense_len: bytes[1],
        };
        prop_assert_eq!(Completion::from_words([u32::from_ne_bytes(bytes)]), expected);
    }
}

#[test]
fn a_context_goes_into_the_frame_whole() {
    let context = Context::new(0xfff, Generation::from_u32(0xf_ffff)).unwrap();
    let frame = AbortFrame {
        context,
        victim: context,
        victim_addr: 0,
    };
    let fields = Fields::new(&frame.encode());
    assert_eq!((fields.u32(0x08), fields.u32(0x18)), (u32::MAX, u32::MAX));
}
