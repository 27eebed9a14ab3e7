// SPDX-License-Identifier: GPL-2.0

use crate::status::{MfiStatus, Outcome, ScsiStatus, TargetAddress, TargetKind};
use proptest::prelude::*;

fn outcome(cmd: u8, scsi: u8) -> Outcome {
    Outcome::new(MfiStatus::from_u8(cmd), ScsiStatus::from_u8(scsi))
}

/// The whole table, 65536 entries, against one written from the headers.
#[test]
fn every_pair_of_statuses_has_its_outcome() {
    for cmd in 0..=u8::MAX {
        for scsi in 0..=u8::MAX {
            let expected = match cmd {
                // OK and SCSI_DONE_WITH_ERROR: the target's status counts.
                0x00 | 0x2d => match scsi {
                    0x00 | 0x04 if cmd == 0 => Outcome::Good,
                    0x00 | 0x04 | 0x40 => Outcome::Error,
                    0x02 => Outcome::CheckCondition,
                    0x08 => Outcome::Busy,
                    0x18 => Outcome::ReservationConflict,
                    0x28 => Outcome::TaskSetFull,
                    other => Outcome::Unknown(other),
                },
                0x0c | 0x33 => Outcome::NoConnect,
                0x2f => Outcome::ReservationConflict,
                0x18 | 0x2e | 0xff => Outcome::Error,
                other => Outcome::Unknown(other),
            };
            assert_eq!(outcome(cmd, scsi), expected, "{cmd:#x}, {scsi:#x}");
        }
    }
}

#[test]
fn only_two_good_statuses_are_good() {
    for cmd in 0..=u8::MAX {
        for scsi in 0..=u8::MAX {
            let good = cmd == 0x00 && (scsi == 0x00 || scsi == 0x04);
            assert_eq!(outcome(cmd, scsi) == Outcome::Good, good);
        }
    }
}

#[test]
fn every_target_has_one_address_of_the_host() {
    let mut seen = std::collections::HashSet::new();
    for target in 0..=u8::MAX {
        let logical = TargetAddress::logical(target);
        let physical = (0..8).map(|lun| TargetAddress::physical(target, lun).unwrap());
        for address in physical.chain([logical]) {
            let (channel, id, lun) = (address.channel(), address.id(), address.lun());
            assert!(seen.insert((channel, id, lun)), "{address:?}");
            assert_eq!(
                TargetAddress::from_scsi(channel, id, lun.into()),
                Some(address)
            );
        }
    }
}

#[test]
fn channels_are_numbered_as_users_know_them() {
    for (channel, id, kind, target) in [
        (0, 0, TargetKind::Physical, 0),
        (0, 127, TargetKind::Physical, 127),
        (1, 0, TargetKind::Physical, 128),
        (1, 127, TargetKind::Physical, 255),
        (2, 0, TargetKind::Logical, 0),
        (3, 1, TargetKind::Logical, 129),
        (3, 127, TargetKind::Logical, 255),
    ] {
        let address = TargetAddress::from_scsi(channel, id, 0).unwrap();
        assert_eq!(
            (address.kind(), address.target(), address.lun()),
            (kind, target, 0)
        );
    }
}

proptest! {
    #![proptest_config(super::config())]

    #[test]
    fn addresses_outside_are_refused(
        channel in prop_oneof![0u32..6, any::<u32>()],
        id in prop_oneof![0u32..140, any::<u32>()],
        lun in prop_oneof![0u64..10, any::<u64>()],
    ) {
        let inside = channel < 4 && id < 128 && (lun == 0 || channel < 2 && lun < 8);
        let address = TargetAddress::from_scsi(channel, id, lun);
        prop_assert_eq!(address.is_some(), inside);
        if let Some(address) = address {
            let back = (address.channel(), address.id(), u64::from(address.lun()));
            prop_assert_eq!(back, (channel, id, lun));
        }
    }
}
