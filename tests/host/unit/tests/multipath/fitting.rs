// SPDX-License-Identifier: GPL-2.0

//! I/O that not every path takes: what takes it gets it, and no path fails for it.

use super::{group, index_of, info, map, path, send, Disk, System, TestMap, TestState};
use crate::multipath::map::{Blame, Fitting, InFlight};
use proptest::prelude::*;

/// The paths of these minor numbers take it.
fn takes(minors: &[usize]) -> impl Fn(&Disk) -> bool + '_ {
    |disk| minors.iter().any(|minor| disk.name == format!("8:{minor}"))
}

fn fit(map: &TestMap, state: &mut TestState, minors: &[usize]) -> Option<InFlight> {
    match state.lend_fitting(map, &System::default(), 4096, takes(minors)) {
        Fitting::Lent(lent) => Some(lent.send()),
        Fitting::Later | Fitting::NoPath | Fitting::TooLarge => None,
    }
}

/// A map whose first group is the current one.
fn in_use(line: &str) -> (TestMap, TestState) {
    let (map, mut state) = map(line);
    let first = send(&map, &mut state, &System::default(), 512).expect("a path");
    map.take_back(first);
    (map, state)
}

fn selectors() -> [String; 5] {
    [
        group("round-robin 0", &["1", "1", "1", "1"]),
        group("queue-length 0", &["1", "1", "1", "1"]),
        group("service-time 0", &["1 1", "1 1", "1 2", "1 1"]),
        group("historical-service-time 0", &["1", "1", "1", "1"]),
        group("io-affinity 0", &["1", "2", "4", "8"]),
    ]
}

#[test]
fn every_selector_gives_it_to_who_takes_it() {
    for selector in selectors() {
        let (map, mut state) = in_use(&format!("0 0 1 1 {selector}"));
        for index in 0..4 {
            for _ in 0..3 {
                let sent = fit(&map, &mut state, &[index]).expect("a path");
                assert_eq!(index_of(&map, sent.path()), index, "{selector}");
            }
        }
        let none = state.lend_fitting(&map, &System::default(), 4096, takes(&[]));
        assert!(matches!(none, Fitting::TooLarge), "{selector}");
        assert_eq!(map.valid_paths(), 4);
    }
}

/// Who takes it shares it.
#[test]
fn it_is_spread_over_those_who_take_it() {
    for selector in &selectors()[..4] {
        let (map, mut state) = in_use(&format!("0 0 1 1 {selector}"));
        let mut counts = [0; 4];
        for _ in 0..8 {
            let sent = fit(&map, &mut state, &[1, 3]).expect("a path");
            counts[index_of(&map, sent.path())] += 1;
        }
        assert_eq!(counts, [0, 4, 0, 4], "{selector}");
    }
}

#[test]
fn a_failed_path_does_not_get_it() {
    for selector in selectors() {
        let (map, mut state) = in_use(&format!("0 0 1 1 {selector}"));
        let _ = state.fail_path(&map, path(&map, 2), Blame::Io);
        assert!(fit(&map, &mut state, &[2]).is_none(), "{selector}");
        let sent = fit(&map, &mut state, &[2, 3]).expect("a path");
        assert_eq!(index_of(&map, sent.path()), 3, "{selector}");
    }
}

const TWO_GROUPS: &str = "2 1 round-robin 0 1 0 8:0 round-robin 0 2 0 8:1 8:2";

#[test]
fn another_group_gets_what_the_current_one_does_not_take() {
    let (map, mut state) = in_use(&format!("0 0 {TWO_GROUPS}"));
    let sent = fit(&map, &mut state, &[0, 2]).expect("a path");
    assert_eq!(index_of(&map, sent.path()), 0);
    let sent = fit(&map, &mut state, &[2]).expect("a path");
    assert_eq!(index_of(&map, sent.path()), 2);
    // The group stays what it was.
    let next = send(&map, &mut state, &System::default(), 512).expect("a path");
    assert_eq!(index_of(&map, next.path()), 0);
}

fn asked(map: &TestMap, state: &mut TestState, minors: &[usize]) -> &'static str {
    match state.lend_fitting(map, &System::default(), 512, takes(minors)) {
        Fitting::Lent(_) => "lent",
        Fitting::Later => "later",
        Fitting::NoPath => "no path",
        Fitting::TooLarge => "too large",
    }
}

/// It waits for a failed path that takes it, in whichever group, and is too large only where none does.
#[test]
fn a_failed_path_that_takes_it_is_waited_for() {
    for minor in [0, 2] {
        let (map, mut state) = in_use(&format!("0 0 {TWO_GROUPS}"));
        let _ = state.fail_path(&map, path(&map, minor), Blame::Io);
        // The next I/O makes a group the current one again.
        let _ = send(&map, &mut state, &System::default(), 512).expect("a path");
        assert_eq!(asked(&map, &mut state, &[minor]), "no path", "{minor}");
        assert_eq!(asked(&map, &mut state, &[]), "too large", "{minor}");
        let _ = state.reinstate_path(&map, path(&map, minor));
        assert_eq!(asked(&map, &mut state, &[minor]), "lent", "{minor}");
    }
}

/// Activates the group that waits for it, as the handler does.
fn activate(map: &TestMap, state: &mut TestState) {
    assert!(send(map, state, &System::default(), 512).is_none());
    while let Some(id) = state.next_to_initialise() {
        let _ = state.start_activation(map, id);
        let _ = state.pg_init_done(map, id, crate::multipath::map::DhResult::Ok);
    }
    assert!(send(map, state, &System::default(), 512).is_some());
}

#[test]
fn with_a_handler_the_group_that_takes_it_is_activated() {
    let (map, mut state) = map(&format!("0 1 alua {TWO_GROUPS}"));
    // Not initialised yet.
    assert!(send(&map, &mut state, &System::default(), 512).is_none());
    assert_eq!(asked(&map, &mut state, &[2]), "later");
    activate(&map, &mut state);
    let first = state.current().expect("a group");
    assert_eq!(asked(&map, &mut state, &[2]), "later");
    activate(&map, &mut state);
    assert_ne!(state.current().expect("a group"), first);
    let sent = fit(&map, &mut state, &[2]).expect("a path");
    assert_eq!(index_of(&map, sent.path()), 2);
    // Nothing changes for what no path takes.
    assert_eq!(asked(&map, &mut state, &[]), "too large");
    assert!(send(&map, &mut state, &System::default(), 512).is_some());
}

#[test]
fn with_a_handler_a_failed_path_or_a_bypassed_group_is_waited_for() {
    let (map, mut state) = map(&format!("0 1 alua {TWO_GROUPS}"));
    activate(&map, &mut state);
    let _ = state.fail_path(&map, path(&map, 2), Blame::Io);
    assert_eq!(asked(&map, &mut state, &[2]), "no path");
    let (second, _) = map.groups().nth(1).expect("a group");
    let _ = state.bypass_group(&map, second, true);
    activate(&map, &mut state);
    assert_eq!(asked(&map, &mut state, &[1]), "no path");
    assert!(send(&map, &mut state, &System::default(), 512).is_some());
}

proptest! {
    #![proptest_config(super::super::config())]

    /// Loads stay exact: what was lent and ended leaves nothing behind.
    #[test]
    fn loads_are_given_back(
        selector in 0usize..5,
        picks in prop::collection::vec((0usize..16, any::<bool>()), 0..60),
    ) {
        let (map, mut state) = in_use(&format!("0 0 1 1 {}", selectors()[selector]));
        let before = info(&map, &state);
        for (mask, sends) in picks {
            let minors: Vec<usize> = (0..4).filter(|minor| mask & (1 << minor) != 0).collect();
            match state.lend_fitting(&map, &System::default(), 4096, takes(&minors)) {
                Fitting::Lent(lent) => {
                    prop_assert!(minors.contains(&index_of(&map, lent.path())));
                    if sends {
                        map.take_back(lent.send());
                    }
                }
                Fitting::Later => prop_assert!(false),
                Fitting::NoPath => prop_assert!(false),
                Fitting::TooLarge => prop_assert!(minors.is_empty()),
            }
        }
        prop_assert_eq!(info(&map, &state), before);
    }
}
