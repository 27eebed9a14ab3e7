// SPDX-License-Identifier: GPL-2.0

//! Which addresses a scan from user space is about, against the mid-layer's own loops.

use crate::scan_range::{
    Bounds,
    ScanRange, //
};
use proptest::prelude::*;

const BOUNDS: Bounds = Bounds {
    max_channel: 3,
    max_id: 128,
    max_lun: 8,
};

fn range(channel: u32, id: u32, lun: u64) -> Option<ScanRange> {
    ScanRange::new(BOUNDS, channel, id, lun)
}

#[test]
fn numbers_beyond_the_host_are_refused() {
    assert!(range(3, 127, 7).is_some());
    assert!(range(4, 0, 0).is_none());
    assert!(range(0, 128, 0).is_none());
    assert!(range(0, 0, 8).is_none());
    assert!(range(ScanRange::ANY - 1, 0, 0).is_none());
    assert!(range(0, 0, ScanRange::ANY_LUN - 1).is_none());
}

#[test]
fn wildcards_mean_all_targets_in_order() {
    let all = range(ScanRange::ANY, ScanRange::ANY, ScanRange::ANY_LUN).unwrap();
    let targets: Vec<_> = all.targets().collect();
    assert_eq!(targets.len(), 4 * 128);
    assert_eq!(targets[0], (0, 0));
    assert_eq!(targets[128], (1, 0));
    assert_eq!(targets[4 * 128 - 1], (3, 127));
    assert_eq!(all.lun(), ScanRange::ANY_LUN);
}

#[test]
fn a_pseudo_unit_beyond_the_bounds_is_never_meant() {
    let all = range(ScanRange::ANY, ScanRange::ANY, ScanRange::ANY_LUN).unwrap();
    assert!(!all.contains(0, BOUNDS.max_id, 0));
    assert!(!all.contains(0, 0, u64::MAX));
}

#[test]
fn a_host_whose_channels_end_at_the_last_number() {
    let bounds = Bounds {
        max_channel: u32::MAX,
        max_id: 1,
        max_lun: 1,
    };
    let one = ScanRange::new(bounds, u32::MAX - 1, 0, 0).unwrap();
    assert_eq!(one.targets().collect::<Vec<_>>(), [(u32::MAX - 1, 0)]);
}

fn number(end: u32) -> impl Strategy<Value = u32> {
    prop_oneof![Just(ScanRange::ANY), 0..end + 2]
}

proptest! {
    #![proptest_config(super::config())]

    /// The same targets, and the same units, as three nested loops find.
    #[test]
    fn it_means_what_the_loops_mean(channel in number(4), id in number(5), lun in number(3)) {
        let bounds = Bounds { max_channel: 3, max_id: 5, max_lun: 3 };
        let lun = if lun == ScanRange::ANY { ScanRange::ANY_LUN } else { u64::from(lun) };
        let wanted = ScanRange::new(bounds, channel, id, lun);
        let bad = (channel != ScanRange::ANY && channel > 3)
            || (id != ScanRange::ANY && id >= 5)
            || (lun != ScanRange::ANY_LUN && lun >= 3);
        prop_assert_eq!(wanted.is_none(), bad);
        let Some(wanted) = wanted else { return Ok(()) };
        let mut targets = Vec::new();
        for c in 0..=3 {
            for i in 0..5 {
                let target = (channel == ScanRange::ANY || c == channel)
                    && (id == ScanRange::ANY || i == id);
                if target {
                    targets.push((c, i));
                }
                for l in 0..3u64 {
                    let unit = target && (lun == ScanRange::ANY_LUN || l == lun);
                    prop_assert_eq!(wanted.contains(c, i, l), unit);
                }
            }
        }
        prop_assert_eq!(wanted.targets().collect::<Vec<_>>(), targets);
        prop_assert_eq!(wanted.lun(), lun);
    }
}
