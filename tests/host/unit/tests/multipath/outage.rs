// SPDX-License-Identifier: GPL-2.0

//! The time without a successful I/O: it ends, however often paths are reinstated, and never early.

use super::{map, path, send, Suspending, System, TestMap, TestState};
use crate::multipath::block_status::{BioEnd, RequestEnd};
use crate::multipath::map::{Blame, Effects, Ended, NoPath, TimerChange};
use crate::multipath::BlockStatus;
use proptest::prelude::*;

const ONE: &str = "1 queue_if_no_path 0 1 1 round-robin 0 1 0 8:0";
const TWO: &str = "1 queue_if_no_path 0 1 1 round-robin 0 2 0 8:0 8:1";

/// An I/O goes out and ends; the path fails if it does not succeed. [`None`] if there is no path.
fn io(map: &TestMap, state: &mut TestState, succeeds: bool) -> Option<Effects> {
    let in_flight = send(map, state, &System::default(), 512)?;
    let path = in_flight.path();
    let ended = Ended {
        start: None,
        error: !succeeds,
    };
    map.end_io(in_flight, &System::default(), ended);
    Some(if succeeds {
        Effects::default()
    } else {
        state.fail_path(map, path, Blame::Io)
    })
}

fn failed(map: &TestMap, state: &mut TestState) -> Effects {
    io(map, state, false).expect("a path")
}

fn reinstate(map: &TestMap, state: &mut TestState, index: usize) -> Effects {
    state.reinstate_path(map, path(map, index))
}

#[test]
fn the_timer_starts_when_the_last_path_goes() {
    let (map, mut state) = map(TWO);
    assert_eq!(failed(&map, &mut state).timer, None);
    assert_eq!(failed(&map, &mut state).timer, Some(TimerChange::Start));
    // Failing it once more is nothing new.
    let again = state.fail_path(&map, path(&map, 1), Blame::Io);
    assert_eq!(again, Effects::default());
    let effects = state.no_path_timeout(&map);
    assert!(effects.gave_up && effects.run_queue && effects.process_queued);
    assert!(!state.queues_if_no_path());
    // Once.
    assert_eq!(state.no_path_timeout(&map), Effects::default());
}

#[test]
fn a_reinstatement_does_not_start_it_anew() {
    let (map, mut state) = map(ONE);
    assert_eq!(failed(&map, &mut state).timer, Some(TimerChange::Start));
    for _ in 0..5 {
        let effects = reinstate(&map, &mut state, 0);
        assert!(effects.process_queued && effects.run_queue && effects.event);
        assert_eq!(effects.timer, None);
        assert_eq!(failed(&map, &mut state).timer, None);
    }
    assert!(state.no_path_timeout(&map).gave_up);
}

#[test]
fn a_success_does() {
    let (map, mut state) = map(ONE);
    let _ = failed(&map, &mut state);
    let _ = reinstate(&map, &mut state, 0);
    let _ = io(&map, &mut state, true);
    assert_eq!(failed(&map, &mut state).timer, Some(TimerChange::Start));
    // One that moved no data as well.
    let _ = reinstate(&map, &mut state, 0);
    let flush = send(&map, &mut state, &System::default(), 0).unwrap();
    let ended = Ended {
        start: None,
        error: false,
    };
    map.end_io(flush, &System::default(), ended);
    assert_eq!(state.no_path_timeout(&map), Effects::default());
    assert_eq!(failed(&map, &mut state).timer, Some(TimerChange::Start));
}

#[test]
fn a_path_that_only_a_message_took_out_is_sound_again() {
    let (map, mut state) = map(ONE);
    let fail = |state: &mut TestState| state.fail_path(&map, path(&map, 0), Blame::Message);
    assert_eq!(fail(&mut state).timer, Some(TimerChange::Start));
    let _ = reinstate(&map, &mut state, 0);
    assert_eq!(state.no_path_timeout(&map), Effects::default());
    assert!(state.queues_if_no_path());
    assert_eq!(fail(&mut state).timer, Some(TimerChange::Start));
    // But not one whose I/O came back with an error meanwhile.
    let _ = state.fail_path(&map, path(&map, 0), Blame::Io);
    let _ = reinstate(&map, &mut state, 0);
    assert_eq!(fail(&mut state).timer, None);
}

/// The timer may run out just after a path has come back.
#[test]
fn a_path_that_has_just_come_back_gets_its_chance() {
    for succeeds in [false, true] {
        let (map, mut state) = map(ONE);
        let _ = failed(&map, &mut state);
        let _ = reinstate(&map, &mut state, 0);
        assert_eq!(state.no_path_timeout(&map), Effects::default());
        assert!(state.queues_if_no_path());
        let effects = io(&map, &mut state, succeeds).unwrap();
        assert_eq!(effects.gave_up, !succeeds);
        assert_eq!(state.queues_if_no_path(), succeeds);
    }
}

/// Paths may take so long to fail that one of them is always usable.
#[test]
fn it_ends_where_a_path_is_usable_all_the_time() {
    for (features, is_bio) in [("1", false), ("3 queue_mode bio", true)] {
        let (map, mut state) = map(&format!(
            "{features} queue_if_no_path 0 1 1 round-robin 0 2 0 8:0 8:1"
        ));
        assert_eq!(failed(&map, &mut state).timer, None);
        let _ = reinstate(&map, &mut state, 0);
        assert_eq!(failed(&map, &mut state).timer, Some(TimerChange::Start));
        let _ = reinstate(&map, &mut state, 1);
        assert_eq!(map.valid_paths(), 2);
        assert_eq!(state.no_path_timeout(&map), Effects::default());
        assert!(failed(&map, &mut state).gave_up);
        assert_eq!(map.valid_paths(), 1);
        let ends = |state: &mut TestState| {
            let remaining = state.remaining(&map, &Suspending(false));
            if is_bio {
                BioEnd::new(BlockStatus::IoError, remaining) == BioEnd::DoneWithError
            } else {
                RequestEnd::new(BlockStatus::IoError, remaining) == RequestEnd::Done
            }
        };
        assert!(ends(&mut state));
        // The next I/O is sent to the other one, and that is all.
        let _ = reinstate(&map, &mut state, 0);
        let _ = failed(&map, &mut state);
        assert!(ends(&mut state));
        // Until one succeeds.
        let _ = reinstate(&map, &mut state, 0);
        let _ = io(&map, &mut state, true);
        assert!(!ends(&mut state));
    }
}

/// Of many paths each is tried, however long that takes.
#[test]
fn a_path_that_has_not_failed_is_tried() {
    let (map, mut state) = map(TWO);
    let _ = failed(&map, &mut state);
    let _ = reinstate(&map, &mut state, 0);
    let _ = state.no_path_timeout(&map);
    let remaining = state.remaining(&map, &Suspending(false));
    assert_eq!(
        (remaining.valid_paths, remaining.no_path),
        (2, NoPath::Requeue)
    );
}

#[test]
fn messages() {
    let (map, mut state) = map(ONE);
    let _ = failed(&map, &mut state);
    // Asked for what is so already, the clock goes on; a timer is started if there was none.
    let effects = state.set_queue_if_no_path(&map, true);
    assert_eq!(effects.timer, Some(TimerChange::StartUnlessQueued));
    assert!(state.no_path_timeout(&map).gave_up);
    // Asked for anew, the whole time is granted.
    let effects = state.set_queue_if_no_path(&map, true);
    assert_eq!(effects.timer, Some(TimerChange::Start));
    let effects = state.set_queue_if_no_path(&map, false);
    assert!(effects.run_queue && effects.timer.is_none());
    assert_eq!(state.no_path_timeout(&map), Effects::default());
    let _ = reinstate(&map, &mut state, 0);
    assert_eq!(
        state.set_queue_if_no_path(&map, true).timer,
        Some(TimerChange::Start)
    );
}

#[test]
fn a_path_that_goes_while_the_map_is_suspended_starts_it_at_the_end() {
    let (map, mut state) = map("3 queue_mode bio queue_if_no_path 0 1 1 round-robin 0 1 0 8:0");
    let _ = state.presuspend(&map, true);
    assert_eq!(failed(&map, &mut state).timer, None);
    assert_eq!(state.resume(&map).timer, Some(TimerChange::Start));
    assert!(state.no_path_timeout(&map).gave_up);
}

/// The time that is granted.
const TIME: u64 = 10;

#[derive(Clone, Copy, Debug)]
enum Event {
    Io { succeeds: bool },
    Message(usize),
    Reinstate(usize),
    Wait(u64),
    QueueIfNoPath,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => Just(Event::Io { succeeds: false }),
        1 => Just(Event::Io { succeeds: true }),
        1 => (0usize..3).prop_map(Event::Message),
        6 => (0usize..3).prop_map(Event::Reinstate),
        4 => (1..TIME).prop_map(Event::Wait),
        1 => Just(Event::QueueIfNoPath),
    ]
}

/// The map with a clock and a timer, and what should be.
struct World<'m> {
    map: &'m TestMap,
    state: TestState,
    now: u64,
    timer: Option<u64>,
    usable: [bool; 3],
    suspect: [bool; 3],
    /// Since when there is no sound path; only while the map queues.
    since: Option<u64>,
}

impl World<'_> {
    fn apply(&mut self, effects: Effects) {
        let ends = self.now + TIME;
        match effects.timer {
            Some(TimerChange::Start) => self.timer = Some(ends),
            Some(TimerChange::StartUnlessQueued) => self.timer = self.timer.or(Some(ends)),
            None => {}
        }
    }

    fn wait(&mut self, time: u64) {
        let until = self.now + time;
        while let Some(ends) = self.timer.filter(|ends| *ends <= until) {
            self.now = ends;
            self.timer = None;
            let effects = self.state.no_path_timeout(self.map);
            self.apply(effects);
        }
        self.now = until;
    }

    /// Whether the time is over.
    fn is_over(&self) -> bool {
        self.since.is_some_and(|since| self.now >= since + TIME)
    }

    fn event(&mut self, event: Event) -> Result<(), TestCaseError> {
        let queued = self.state.queues_if_no_path();
        let mut has_failed = false;
        match event {
            Event::Io { succeeds } => {
                let Some(in_flight) = send(self.map, &mut self.state, &System::default(), 512)
                else {
                    return Ok(());
                };
                let path = in_flight.path();
                let index = super::index_of(self.map, path);
                let ended = Ended {
                    start: None,
                    error: !succeeds,
                };
                self.map.end_io(in_flight, &System::default(), ended);
                if succeeds {
                    self.suspect = [false; 3];
                } else {
                    has_failed = true;
                    self.usable[index] = false;
                    self.suspect[index] = true;
                    let effects = self.state.fail_path(self.map, path, Blame::Io);
                    self.apply(effects);
                }
            }
            Event::Message(index) => {
                has_failed = self.usable[index];
                self.usable[index] = false;
                let id = path(self.map, index);
                let effects = self.state.fail_path(self.map, id, Blame::Message);
                self.apply(effects);
            }
            Event::Reinstate(index) => {
                self.usable[index] = true;
                let effects = reinstate(self.map, &mut self.state, index);
                self.apply(effects);
            }
            Event::Wait(time) => self.wait(time),
            Event::QueueIfNoPath => {
                let effects = self.state.set_queue_if_no_path(self.map, true);
                self.apply(effects);
                if !queued {
                    self.since = None;
                }
            }
        }
        let is_sound = (0..3).any(|index| self.usable[index] && !self.suspect[index]);
        let queues = self.state.queues_if_no_path();
        if is_sound {
            self.since = None;
        } else if queues {
            self.since.get_or_insert(self.now);
        }
        if queued && !queues {
            // Never early, and never while there is a path that has not failed.
            prop_assert!(self.is_over());
            prop_assert!(!is_sound);
        }
        if queues && self.is_over() {
            // Never late: a path is left that may be good after all, and nothing has failed.
            prop_assert!(self.usable.contains(&true) && !has_failed);
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(super::super::config())]

    #[test]
    fn the_time_ends_and_is_whole(events in prop::collection::vec(event(), 1..200)) {
        let (map, state) = map("1 queue_if_no_path 0 1 1 round-robin 0 3 0 8:0 8:1 8:2");
        let mut world = World {
            map: &map,
            state,
            now: 0,
            timer: None,
            usable: [true; 3],
            suspect: [false; 3],
            since: None,
        };
        for event in events {
            world.event(event)?;
        }
    }
}
