// SPDX-License-Identifier: GPL-2.0

use super::as_bytes;
use crate::frame::{IoFrame, PassFrame};
use crate::sgl::{Format, Sge, SgeError, MAX_EXTRA_UNITS};
use proptest::prelude::*;

const FORMATS: [Format; 3] = [Format::Sge32, Format::Sge64, Format::Ieee];

fn words(sge: &Sge) -> &[u32] {
    match sge {
        Sge::Sge32(words) => words,
        Sge::Sge64(words) => words,
        Sge::Ieee(words) => words,
    }
}

/// Reads an entry as the device does.
fn decode(format: Format, bytes: &[u8]) -> (u64, u32) {
    let le = |bytes: &[u8]| {
        bytes
            .iter()
            .rev()
            .fold(0, |sum, &byte| (sum << 8) | u64::from(byte))
    };
    match format {
        Format::Sge32 => (le(&bytes[..4]), le(&bytes[4..8]) as u32),
        Format::Sge64 => (le(&bytes[..8]), le(&bytes[8..12]) as u32),
        Format::Ieee => {
            assert_eq!(le(&bytes[12..16]), 0, "flags of an IEEE entry");
            (le(&bytes[..8]), le(&bytes[8..12]) as u32)
        }
    }
}

#[test]
fn entries_have_the_size_of_their_format() {
    assert_eq!(FORMATS.map(Format::bytes), [8, 12, 16]);
    assert_eq!(FORMATS.map(|format| format.flags().bits()), [0, 0x02, 0x22]);
    for format in FORMATS {
        let sge = format.encode(0x1000, 1).unwrap();
        assert_eq!(as_bytes(words(&sge)).len(), format.bytes());
    }
}

#[test]
fn nothing_is_written_for_no_bytes() {
    for format in FORMATS {
        assert_eq!(format.encode(0x1000, 0), Err(SgeError::Empty));
    }
}

#[test]
fn a_32_bit_entry_ends_at_4_gib() {
    let top = 1u64 << 32;
    for (addr, len, fits) in [
        (top - 4096, 4096, true),
        (top - 4096, 4097, false),
        (top - 1, 1, true),
        (top, 1, false),
        (0, u32::MAX, true),
        (1, u32::MAX, true),
        (2, u32::MAX, false),
        (u64::MAX, 1, false),
    ] {
        let sge = Format::Sge32.encode(addr, len);
        assert_eq!(sge.is_ok(), fits, "{len} bytes at {addr:#x}");
        assert!(Format::Sge64.encode(addr, len).is_ok());
    }
}

#[test]
fn a_64_bit_entry_does_not_wrap() {
    for format in [Format::Sge64, Format::Ieee] {
        assert!(format.encode(u64::MAX, 1).is_ok());
        assert_eq!(format.encode(u64::MAX, 2), Err(SgeError::OutOfReach));
        assert_eq!(format.encode(u64::MAX - 8, 10), Err(SgeError::OutOfReach));
    }
}

#[test]
fn the_first_unit_holds_what_the_firmware_expects() {
    // Entries that fit beside the fixed part: block commands, then pass-through.
    for (format, io, pass) in [
        (Format::Sge32, 3, 2),
        (Format::Sge64, 2, 1),
        (Format::Ieee, 1, 1),
    ] {
        for (header, fits) in [(IoFrame::BYTES, io), (PassFrame::BYTES, pass)] {
            assert_eq!(format.extra_units(header, 0), 0);
            assert_eq!(format.extra_units(header, fits), 0);
            assert_eq!(format.extra_units(header, fits + 1), 1);
        }
    }
}

#[test]
fn the_queue_port_counts_seven_further_units_at_most() {
    assert_eq!(MAX_EXTRA_UNITS, 7);
    assert_eq!(Format::Ieee.extra_units(PassFrame::BYTES, 28), 7);
    assert_eq!(Format::Ieee.extra_units(PassFrame::BYTES, 80), 7);
    assert_eq!(Format::Ieee.extra_units(PassFrame::BYTES, usize::MAX), 7);
}

#[test]
fn a_command_of_80_entries_has_its_stride() {
    assert_eq!(FORMATS.map(|format| format.stride(80)), [704, 1024, 1344]);
    assert_eq!(Format::Ieee.stride(usize::MAX), usize::MAX);
}

proptest! {
    #![proptest_config(super::config())]

    #[test]
    fn the_device_reads_what_was_asked_for(
        which in 0..3usize,
        addr in prop_oneof![any::<u64>(), any::<u32>().prop_map(u64::from)],
        len in 1u32..,
    ) {
        let format = FORMATS[which];
        let end = u128::from(addr) + u128::from(len);
        let reach = if format == Format::Sge32 { 1u128 << 32 } else { 1u128 << 64 };
        match format.encode(addr, len) {
            Ok(sge) => {
                prop_assert!(end <= reach);
                let bytes = as_bytes(words(&sge));
                prop_assert_eq!(bytes.len(), format.bytes());
                prop_assert_eq!(decode(format, &bytes), (addr, len));
            }
            Err(error) => {
                prop_assert_eq!(error, SgeError::OutOfReach);
                prop_assert!(end > reach);
            }
        }
    }

    #[test]
    fn units_and_stride_cover_the_list(
        which in 0..3usize,
        pass: bool,
        sges in 0usize..300,
        more in 0usize..300,
    ) {
        let format = FORMATS[which];
        let header = if pass { PassFrame::BYTES } else { IoFrame::BYTES };
        let bytes = header + sges * format.bytes();
        let extra = usize::from(format.extra_units(header, sges));
        prop_assert_eq!(format.frame_bytes(header, sges), bytes);
        if extra < usize::from(MAX_EXTRA_UNITS) {
            prop_assert!(64 * (extra + 1) >= bytes);
        }
        prop_assert!(64 * extra < bytes);
        prop_assert!(extra <= usize::from(MAX_EXTRA_UNITS));

        let stride = format.stride(sges + more);
        prop_assert_eq!(stride % 64, 0);
        prop_assert!(stride >= bytes);
    }
}
