// SPDX-License-Identifier: GPL-2.0

//! Commands that come while the timer is about to stop.

use crate::poll_state::PollState;
use loom::sync::atomic::{AtomicU32, Ordering};
use loom::sync::Arc;
use loom::thread;

struct Timer {
    state: PollState,
    outstanding: AtomicU32,
}

impl Timer {
    /// Open, and kicked once.
    fn started() -> Arc<Self> {
        let timer = Self {
            state: PollState::new(),
            outstanding: AtomicU32::new(0),
        };
        timer.state.open();
        assert!(timer.state.kick(), "the first kick starts the timer");
        Arc::new(timer)
    }

    /// One turn: true for another.
    fn turn(&self) -> bool {
        if self.state.begin().is_none() {
            return false;
        }
        let waiting = self.outstanding.load(Ordering::Relaxed) != 0;
        self.state.finish(waiting)
    }

    /// A command goes to hardware; true if that starts the timer.
    fn submit(&self) -> bool {
        self.outstanding.fetch_add(1, Ordering::Relaxed);
        self.state.kick()
    }
}

#[test]
fn no_command_is_left_without_a_timer() {
    loom::model(|| {
        let timer = Timer::started();
        let submitter = thread::spawn({
            let timer = timer.clone();
            move || timer.submit()
        });
        let again = timer.turn();
        let start = submitter.join().unwrap();
        assert!(start || again, "a command, and no timer");
        assert!(!(start && again), "the timer runs twice");
    });
}

#[test]
fn of_two_commands_one_starts_the_timer() {
    loom::model(|| {
        let timer = Timer::started();
        assert!(!timer.turn(), "nothing is outstanding");
        let other = thread::spawn({
            let timer = timer.clone();
            move || timer.submit()
        });
        let mine = timer.submit();
        assert!(mine != other.join().unwrap());
        assert!(timer.turn(), "two are outstanding");
    });
}

#[test]
fn a_closed_timer_does_nothing() {
    loom::model(|| {
        let timer = Timer::started();
        let submitter = thread::spawn({
            let timer = timer.clone();
            move || timer.submit()
        });
        timer.state.close();
        // A kick before the close may still start the timer: its turn must do nothing.
        submitter.join().unwrap();
        assert!(timer.state.begin().is_none());
        assert!(!timer.state.kick());
    });
}

#[test]
fn a_turn_that_was_under_way_at_the_close_is_the_last() {
    loom::model(|| {
        let timer = Timer::started();
        timer.outstanding.store(1, Ordering::Relaxed);
        let turn = thread::spawn({
            let timer = timer.clone();
            move || timer.turn()
        });
        timer.state.close();
        if turn.join().unwrap() {
            assert!(!timer.turn());
        }
    });
}
