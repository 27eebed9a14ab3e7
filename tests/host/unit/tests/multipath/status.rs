// SPDX-License-Identifier: GPL-2.0

//! Statuses to the letter. The expected texts are what the C target's formats give.

use super::{info, map, path, send, System};
use crate::multipath::map::{Blame, Ended, GroupId};
use crate::multipath::status::{self, Target};

const DONE: Ended = Ended {
    start: None,
    error: false,
};

#[test]
fn before_any_io_everything_waits() {
    let (map, state) = map("0 0 2 2 service-time 0 1 1 8:0 1 service-time 0 1 1 8:16 1");
    assert_eq!(
        info(&map, &state),
        "2 1 0 0 2 2 E 0 1 2 8:0 A 0 0 1 E 0 1 2 8:16 A 0 0 1 "
    );
}

#[test]
fn of_service_time_with_io() {
    let (map, mut state) = map("0 0 1 1 service-time 0 2 1 8:0 1 8:16 1");
    let system = System::default();
    let first = send(&map, &mut state, &system, 4096).unwrap();
    assert_eq!(
        info(&map, &state),
        "2 0 0 0 1 1 A 0 2 2 8:0 A 0 4096 1 8:16 A 0 0 1 "
    );
    map.end_io(first, &system, DONE);
    let _ = state.fail_path(&map, path(&map, 0), Blame::Io);
    assert_eq!(
        info(&map, &state),
        "2 0 0 0 1 1 A 0 2 2 8:0 F 1 0 1 8:16 A 0 0 1 "
    );
}

#[test]
fn of_every_selector() {
    for (group, expected) in [
        ("round-robin 0 1 1 8:0 1", "0 1 0 8:0 A 0 "),
        ("queue-length 0 1 1 8:0 1", "0 1 1 8:0 A 0 1 "),
        ("service-time 0 1 2 8:0 1 7", "0 1 2 8:0 A 0 512 7 "),
        (
            "historical-service-time 0 1 1 8:0 1",
            "2 972 0 1 3 8:0 A 0 1024 1 0 ",
        ),
        ("io-affinity 0 1 1 8:0 1", "0 1 1 8:0 A 0 0 "),
    ] {
        let (map, mut state) = map(&format!("0 0 1 1 {group}"));
        let _in_flight = send(&map, &mut state, &System::default(), 512).unwrap();
        assert_eq!(info(&map, &state), format!("2 0 0 0 1 1 A {expected}"));
    }
}

#[test]
fn an_affinity_miss_counts() {
    let (map, mut state) = map("0 0 1 1 io-affinity 0 2 1 8:0 1 8:1 2");
    let system = System::default();
    for cpu in [0, 1, 5, 6] {
        system.cpu.set(cpu);
        assert!(send(&map, &mut state, &system, 512).is_some());
    }
    let text = "2 0 0 0 1 1 A 0 2 1 8:0 A 0 2 8:1 A 0 2 ";
    assert_eq!(info(&map, &state), text);
}

#[test]
fn groups_are_disabled_active_or_enabled() {
    let (map, mut state) =
        map("0 0 3 1 round-robin 0 1 0 8:0 round-robin 0 1 0 8:1 round-robin 0 1 0 8:2");
    let group = |number| GroupId::from_number(number).unwrap();
    let system = System::default();
    assert!(send(&map, &mut state, &system, 512).is_some());
    let _ = state.bypass_group(&map, group(2), true);
    assert!(send(&map, &mut state, &system, 512).is_some());
    assert_eq!(
        info(&map, &state),
        "2 0 0 0 3 1 A 0 1 0 8:0 A 0 D 0 1 0 8:1 A 0 E 0 1 0 8:2 A 0 "
    );
    // The group that was asked for is shown until an I/O goes there.
    let _ = state.switch_group(&map, group(3));
    assert_eq!(
        info(&map, &state),
        "2 0 0 0 3 3 E 0 1 0 8:0 A 0 E 0 1 0 8:1 A 0 E 0 1 0 8:2 A 0 "
    );
}

#[test]
fn what_the_integrity_measurement_records() {
    let (map, mut state) = map("0 0 2 1 round-robin 0 2 0 8:0 8:1 service-time 0 1 0 8:2");
    let _ = state.fail_path(&map, path(&map, 1), Blame::Io);
    assert!(send(&map, &mut state, &System::default(), 512).is_some());
    let mut text = String::new();
    let target = Target {
        name: "multipath",
        version: [1, 15, 0],
    };
    status::write_ima(&map, &state, target, &mut text).unwrap();
    assert_eq!(
        text,
        "target_name=multipath,target_version=1.15.0,nr_priority_groups=2\
         ,pg_state_0=A,nr_pgpaths_0=2,path_selector_name_0=round-robin\
         ,path_name_0_0=8:0,is_active_0_0=A,fail_count_0_0=0,path_selector_status_0_0=\
         ,path_name_0_1=8:1,is_active_0_1=F,fail_count_0_1=1,path_selector_status_0_1=\
         ,pg_state_1=E,nr_pgpaths_1=1,path_selector_name_1=service-time\
         ,path_name_1_0=8:2,is_active_1_0=A,fail_count_1_0=0,path_selector_status_1_0=;"
    );
}

#[test]
fn an_empty_map() {
    let (map, mut state) = map("0 0 0 0");
    assert_eq!(info(&map, &state), "2 1 0 0 0 0 ");
    assert!(send(&map, &mut state, &System::default(), 512).is_none());
    assert_eq!(info(&map, &state), "2 0 0 0 0 0 ");
}
