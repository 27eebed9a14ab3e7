// SPDX-License-Identifier: GPL-2.0

use crate::payload::{ControllerInfo, LdEntry, LdList, LdState, PdEntry, PdList};
use proptest::prelude::*;

fn put(data: &mut [u8], offset: usize, bytes: &[u8]) {
    data[offset..offset + bytes.len()].copy_from_slice(bytes);
}

/// An answer as QEMU's controller gives it.
fn info() -> Vec<u8> {
    let mut data = vec![0; ControllerInfo::BYTES];
    put(&mut data, 0x0b4, &2u32.to_le_bytes());
    put(&mut data, 0x0b8, b"BIOS");
    put(&mut data, 0x0b8 + 8, b"9.99");
    put(&mut data, 0x0b8 + 72, b"APP");
    put(&mut data, 0x0b8 + 72 + 8, b"1.80-QEMU");
    data[0x53f] = 64;
    put(&mut data, 0x540, b"LSI MegaRAID SAS 8708EM2");
    put(&mut data, 0x590, b"QEMU123456");
    put(&mut data, 0x5b8, &1008u16.to_le_bytes());
    put(&mut data, 0x5ba, &80u16.to_le_bytes());
    put(&mut data, 0x5bc, &0xffffu32.to_le_bytes());
    put(&mut data, 0x5c0, &3u16.to_le_bytes());
    put(&mut data, 0x5c6, &4u16.to_le_bytes());
    put(&mut data, 0x5d0, &512u16.to_le_bytes());
    put(&mut data, 0x5da, &80u16.to_le_bytes());
    data[0x5e8] = 3;
    put(&mut data, 0x620, &(1u32 << 13).to_le_bytes());
    put(&mut data, 0x640, b"11.1.3-QEMU");
    data
}

#[test]
fn controller_information_is_read_at_its_offsets() {
    let info = ControllerInfo::parse(&info()).unwrap();
    assert_eq!(info.product.as_str(), "LSI MegaRAID SAS 8708EM2");
    assert_eq!(info.serial.as_str(), "QEMU123456");
    assert_eq!(info.package.as_str(), "11.1.3-QEMU");
    assert_eq!(info.firmware.as_str(), "1.80-QEMU");
    assert_eq!(info.max_lds, 64);
    assert_eq!(info.max_commands, 1008);
    assert_eq!(info.max_sges, 80);
    assert_eq!(info.max_request, 0xffff);
    assert_eq!(info.lds_present, 3);
    assert_eq!(info.pds_present, 4);
    assert_eq!(info.memory_mib, 512);
    assert_eq!(info.max_strips, 80);
    assert_eq!(info.min_strip_shift, 3);
    assert!(info.jbod_enabled());
    assert!(!info.online_reset_disabled());
}

#[test]
fn switches_are_told_apart() {
    let mut data = info();
    put(&mut data, 0x620, &(1u32 << 10).to_le_bytes());
    let info = ControllerInfo::parse(&data).unwrap();
    assert!(info.online_reset_disabled());
    assert!(!info.jbod_enabled());
}

#[test]
fn only_announced_components_are_searched() {
    let mut data = info();
    put(&mut data, 0x0b4, &1u32.to_le_bytes());
    assert_eq!(ControllerInfo::parse(&data).unwrap().firmware.as_str(), "");
    put(&mut data, 0x0b4, &u32::MAX.to_le_bytes());
    assert_eq!(
        ControllerInfo::parse(&data).unwrap().firmware.as_str(),
        "1.80-QEMU"
    );
    // Behind the eight components there is something else.
    put(&mut data, 0x0b8 + 72, &[0; 72]);
    put(&mut data, 0x0b8 + 8 * 72, b"APP");
    assert_eq!(ControllerInfo::parse(&data).unwrap().firmware.as_str(), "");
}

#[test]
fn the_longest_command_is_the_smallest_limit() {
    let limit = |strips: u16, shift: u8, request: u32, sges: u32| {
        let mut data = info();
        put(&mut data, 0x5da, &strips.to_le_bytes());
        data[0x5e8] = shift;
        put(&mut data, 0x5bc, &request.to_le_bytes());
        ControllerInfo::parse(&data).unwrap().max_sectors(sges)
    };
    assert_eq!(limit(80, 3, 0xffff, 80), 640);
    assert_eq!(limit(10, 3, 0xffff, 80), 80);
    assert_eq!(limit(80, 3, 128, 80), 128);
    assert_eq!(limit(80, 3, 0xffff, 60), 480);
    // Firmware that does not know its limits.
    assert_eq!(limit(0, 3, 0xffff, 80), 640);
    assert_eq!(limit(80, 3, 0, 80), 640);
    // Nonsense does not overflow.
    assert_eq!(limit(u16::MAX, 255, u32::MAX, 80), 640);
    assert_eq!(limit(u16::MAX, 31, u32::MAX, u32::MAX), u32::MAX);
}

#[test]
fn strings_are_printable_and_end() {
    let text = |bytes: &[u8]| {
        let mut data = info();
        data[0x590..0x5b0].fill(0);
        put(&mut data, 0x590, bytes);
        let info = ControllerInfo::parse(&data).unwrap();
        info.serial.as_str().to_owned()
    };
    assert_eq!(text(b"SV 123\0garbage"), "SV 123");
    assert_eq!(text(b"SV123   \0"), "SV123");
    assert_eq!(text(b"a\n\xff\x7fb"), "a???b");
    assert_eq!(text(&[b'x'; 32]), "x".repeat(32));
    assert_eq!(text(&[b' '; 32]), "");
    assert_eq!(text(b""), "");
}

fn ld_list(count: u32, entries: &[LdEntry]) -> Vec<u8> {
    let mut data = count.to_le_bytes().to_vec();
    data.extend([0; 4]);
    for entry in entries {
        let state = match entry.state {
            LdState::Offline => 0,
            LdState::PartiallyDegraded => 1,
            LdState::Degraded => 2,
            LdState::Optimal => 3,
            LdState::Unknown(state) => state,
        };
        data.extend([entry.target, 0xee]);
        data.extend(entry.sequence.to_le_bytes());
        data.extend([state, 0xee, 0xee, 0xee]);
        data.extend(entry.blocks.to_le_bytes());
    }
    data
}

fn pd_list(size: u32, count: u32, entries: &[PdEntry]) -> Vec<u8> {
    let mut data = size.to_le_bytes().to_vec();
    data.extend(count.to_le_bytes());
    for entry in entries {
        data.extend(entry.device.to_le_bytes());
        data.extend(entry.enclosure.to_le_bytes());
        data.extend([0xee, entry.slot, entry.device_type, 0xee]);
        data.extend(entry.sas_address.to_le_bytes());
        data.extend([0xee; 8]);
    }
    data
}

fn ld_entry() -> impl Strategy<Value = LdEntry> {
    let state = prop_oneof![
        Just(LdState::Offline),
        Just(LdState::PartiallyDegraded),
        Just(LdState::Degraded),
        Just(LdState::Optimal),
        (4u8..).prop_map(LdState::Unknown),
    ];
    (any::<u8>(), any::<u16>(), state, any::<u64>()).prop_map(
        |(target, sequence, state, blocks)| LdEntry {
            target,
            sequence,
            state,
            blocks,
        },
    )
}

fn pd_entry() -> impl Strategy<Value = PdEntry> {
    any::<(u16, u16, u8, u8, u64)>().prop_map(
        |(device, enclosure, slot, device_type, sas_address)| PdEntry {
            device,
            enclosure,
            slot,
            device_type,
            sas_address,
        },
    )
}

#[test]
fn buffers_have_the_sizes_that_the_firmware_takes() {
    assert_eq!(LdList::BYTES, 1032);
    assert_eq!(PdList::BYTES, 5768);
    assert_eq!(ControllerInfo::BYTES, 2048);
}

#[test]
fn a_buffer_that_the_firmware_left_alone_is_empty() {
    let data = [0; PdList::BYTES];
    assert_eq!(PdList::parse(&data).unwrap().iter().count(), 0);
    assert_eq!(LdList::parse(&data).unwrap().iter().count(), 0);
}

#[test]
fn a_buffer_without_a_header_is_refused() {
    for len in 0..8 {
        assert!(LdList::parse(&vec![0xff; len]).is_none());
        assert!(PdList::parse(&vec![0xff; len]).is_none());
    }
}

proptest! {
    #![proptest_config(super::config())]

    #[test]
    fn controller_information_is_total(data in prop::collection::vec(any::<u8>(), 0..2100)) {
        match ControllerInfo::parse(&data) {
            None => prop_assert!(data.len() < 0x6a0),
            Some(info) => {
                prop_assert!(data.len() >= 0x6a0);
                for text in [info.product.as_str(), info.package.as_str(), info.firmware.as_str()] {
                    prop_assert!(text.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
                }
                prop_assert!(info.max_sectors(1) > 0);
            }
        }
    }

    /// As many entries as were announced and are there, whatever lies behind them.
    #[test]
    fn logical_drives_come_back(
        entries in prop::collection::vec(ld_entry(), 0..20),
        count in prop_oneof![0u32..24, any::<u32>()],
        tail in prop::collection::vec(any::<u8>(), 0..16),
    ) {
        let mut data = ld_list(count, &entries);
        data.extend(tail);
        let found: Vec<_> = LdList::parse(&data).unwrap().iter().collect();
        let expected = entries.len().min(count as usize);
        prop_assert_eq!(found, &entries[..expected]);
    }

    #[test]
    fn physical_drives_come_back(
        entries in prop::collection::vec(pd_entry(), 0..20),
        count in prop_oneof![0u32..24, any::<u32>()],
        size in prop_oneof![0u32..600, any::<u32>()],
        tail in prop::collection::vec(any::<u8>(), 0..24),
    ) {
        let mut data = pd_list(size, count, &entries);
        data.extend(tail);
        let found: Vec<_> = PdList::parse(&data).unwrap().iter().collect();
        let inside = (size as usize).saturating_sub(8) / 24;
        let expected = entries.len().min(count as usize).min(inside);
        prop_assert_eq!(found, &entries[..expected]);
    }

    #[test]
    fn lists_are_total(data in prop::collection::vec(any::<u8>(), 0..300)) {
        let lds = LdList::parse(&data).map_or(0, |list| list.iter().count());
        let pds = PdList::parse(&data).map_or(0, |list| list.iter().count());
        prop_assert!(lds <= data.len().saturating_sub(8) / 16);
        prop_assert!(pds <= data.len().saturating_sub(8) / 24);
        prop_assert_eq!(LdList::parse(&data).is_some(), data.len() >= 8);
        prop_assert_eq!(PdList::parse(&data).is_some(), data.len() >= 8);
    }
}
