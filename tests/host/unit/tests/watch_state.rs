// SPDX-License-Identifier: GPL-2.0

//! When interrupts count as lost, and when they are relied upon again.

use crate::watch_state::{
    Change,
    WatchState,
    DOUBLED,
    FIRST, //
};
use proptest::prelude::*;

/// Interrupts that it wants at most.
const MOST: u32 = FIRST << DOUBLED;

/// Two looks at the same pending completions.
fn fall_back(watch: &WatchState) {
    assert_eq!(watch.look(Some(7)), Change::None);
    assert_eq!(watch.look(Some(7)), Change::FellBack);
    assert!(watch.is_polling());
}

fn interrupts(watch: &WatchState, count: u32) {
    for _ in 0..count {
        watch.interrupt();
    }
}

/// How many interrupts it wants before it recovers.
fn wanted(watch: &WatchState) -> u32 {
    for count in 0..=MOST {
        if watch.look(None) == Change::Recovered {
            return count;
        }
        watch.interrupt();
    }
    panic!("it does not recover");
}

#[test]
fn completions_that_are_taken_are_no_loss() {
    let watch = WatchState::new();
    for taken in 0..100 {
        assert_eq!(watch.look(Some(taken)), Change::None);
    }
    assert!(!watch.is_polling());
}

#[test]
fn completions_of_two_times_are_no_loss() {
    let watch = WatchState::new();
    assert_eq!(watch.look(Some(7)), Change::None);
    assert_eq!(watch.look(None), Change::None);
    assert_eq!(watch.look(Some(7)), Change::None);
    assert!(!watch.is_polling());
}

#[test]
fn lost_interrupts_are_polled_for_until_they_arrive_again() {
    let watch = WatchState::new();
    fall_back(&watch);
    assert_eq!(watch.look(Some(7)), Change::None);
    interrupts(&watch, FIRST - 1);
    assert_eq!(watch.look(None), Change::None);
    assert!(watch.is_polling());
    watch.interrupt();
    assert!(watch.is_polling(), "the look decides");
    assert_eq!(watch.look(None), Change::Recovered);
    assert!(!watch.is_polling());
}

#[test]
fn interrupts_that_never_arrive_are_polled_for() {
    let watch = WatchState::new();
    fall_back(&watch);
    for taken in 0..10_000 {
        assert_eq!(watch.look(Some(taken)), Change::None);
    }
    assert!(watch.is_polling());
}

#[test]
fn after_a_recovery_it_needs_two_looks_again() {
    let watch = WatchState::new();
    fall_back(&watch);
    interrupts(&watch, FIRST);
    assert_eq!(watch.look(Some(7)), Change::Recovered);
    fall_back(&watch);
}

#[test]
fn each_time_it_wants_twice_as_many() {
    let watch = WatchState::new();
    let mut expected = FIRST;
    for _ in 0..40 {
        fall_back(&watch);
        assert_eq!(wanted(&watch), expected);
        expected = (expected * 2).min(MOST);
    }
    assert_eq!(expected, MOST);
}

#[test]
fn without_an_interrupt_it_polls_for_good() {
    let watch = WatchState::new();
    watch.start(true);
    interrupts(&watch, 2 * MOST);
    assert_eq!(watch.look(Some(7)), Change::None);
    assert_eq!(watch.look(Some(7)), Change::None);
    assert!(watch.is_polling());
}

#[test]
fn started_anew_it_has_forgotten() {
    let watch = WatchState::new();
    fall_back(&watch);
    watch.start(false);
    assert!(!watch.is_polling());
    fall_back(&watch);
    assert_eq!(wanted(&watch), FIRST);
}

proptest! {
    #![proptest_config(super::config())]

    /// Against plain numbers.
    #[test]
    fn it_does_what_the_description_says(
        steps in prop::collection::vec(prop_oneof![
            (0u32..3).prop_map(|taken| Some(Some(taken))),
            Just(Some(None)),
            Just(None),
        ], 0..200),
    ) {
        let watch = WatchState::new();
        let (mut left, mut wanted, mut last) = (None::<u32>, FIRST, None);
        for step in steps {
            match step {
                // An interrupt.
                None => {
                    watch.interrupt();
                    left = left.map(|left| left.saturating_sub(1));
                }
                // A look.
                Some(answered) => {
                    let expected = match left {
                        Some(0) => {
                            (left, last) = (None, None);
                            Change::Recovered
                        }
                        Some(_) => Change::None,
                        None if answered.is_some() && answered == last => {
                            left = Some(wanted);
                            wanted = (wanted * 2).min(MOST);
                            Change::FellBack
                        }
                        None => {
                            last = answered;
                            Change::None
                        }
                    };
                    prop_assert_eq!(watch.look(answered), expected);
                }
            }
            prop_assert_eq!(watch.is_polling(), left.is_some());
        }
    }
}
