// SPDX-License-Identifier: GPL-2.0

//! Interrupts that arrive on several processors while the timer looks.

use crate::watch_state::{
    Change,
    WatchState,
    FIRST, //
};
use loom::sync::Arc;
use loom::thread;

/// Fallen back, with so many interrupts still wanted.
fn fallen(left: u32) -> Arc<WatchState> {
    let watch = WatchState::new();
    assert_eq!(watch.look(Some(7)), Change::None);
    assert_eq!(watch.look(Some(7)), Change::FellBack);
    for _ in left..FIRST {
        watch.interrupt();
    }
    Arc::new(watch)
}

fn interrupts(watch: &Arc<WatchState>, count: u32) -> thread::JoinHandle<()> {
    let watch = watch.clone();
    thread::spawn(move || {
        for _ in 0..count {
            watch.interrupt();
        }
    })
}

#[test]
fn every_interrupt_counts_once() {
    loom::model(|| {
        let watch = fallen(3);
        let one = interrupts(&watch, 1);
        let other = interrupts(&watch, 1);
        assert_eq!(watch.look(None), Change::None, "two of three");
        one.join().unwrap();
        other.join().unwrap();
        assert_eq!(watch.look(None), Change::None, "two of three");
        watch.interrupt();
        assert_eq!(watch.look(None), Change::Recovered);
    });
}

#[test]
fn more_interrupts_than_are_wanted_change_nothing() {
    loom::model(|| {
        let watch = fallen(1);
        let one = interrupts(&watch, 2);
        let other = interrupts(&watch, 1);
        let early = watch.look(None);
        one.join().unwrap();
        other.join().unwrap();
        match early {
            Change::Recovered => assert_eq!(watch.look(None), Change::None),
            _ => assert_eq!(watch.look(None), Change::Recovered),
        }
        assert!(!watch.is_polling());
    });
}

#[test]
fn interrupts_on_the_way_do_not_keep_it_from_falling_back() {
    loom::model(|| {
        let watch = Arc::new(WatchState::new());
        assert_eq!(watch.look(Some(7)), Change::None);
        let late = interrupts(&watch, 2);
        assert_eq!(watch.look(Some(7)), Change::FellBack);
        late.join().unwrap();
        assert!(watch.is_polling());
        assert_eq!(watch.look(None), Change::None);
    });
}
