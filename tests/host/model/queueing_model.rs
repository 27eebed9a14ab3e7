// SPDX-License-Identifier: GPL-2.0

//! Models of I/O without a path beside a suspension without a flush: none ends with an error, and
//! none is left with the target.

use crate::multipath::features::QueueMode;
use crate::multipath::map::queueing::{NoPath, Presuspend, Queueing, Suspension};
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::sync::{Arc, Mutex};
use loom::thread;

/// What the target's lock guards.
struct Guarded {
    queueing: Queueing,
    /// I/O that the target keeps.
    kept: u32,
}

/// A mapped device whose map queues: device-mapper's flag, and the target.
struct Device {
    noflush_suspending: AtomicBool,
    guarded: Mutex<Guarded>,
}

impl Suspension for Device {
    fn is_without_flush(&self) -> bool {
        // As `test_bit` reads it.
        self.noflush_suspending.load(Ordering::Relaxed)
    }
}

/// A flag that was asked before the lock was taken.
struct Stale(bool);

impl Suspension for Stale {
    fn is_without_flush(&self) -> bool {
        self.0
    }
}

/// The end of a suspension.
#[derive(Clone, Copy)]
enum End {
    /// The table is resumed: the target first, then the flag goes.
    Resumed,
    /// A signal ends it: the flag goes first.
    CalledOff,
    /// Another table comes, and this one is not used any more.
    Replaced,
}

impl Device {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            noflush_suspending: AtomicBool::new(false),
            guarded: Mutex::new(Guarded {
                queueing: Queueing::new(true),
                kept: 0,
            }),
        })
    }

    /// `set_bit` and `clear_bit` give no order.
    fn set_flag(&self, set: bool) {
        self.noflush_suspending.store(set, Ordering::Relaxed);
    }

    /// `__dm_suspend`, then what ends it.
    fn suspend(&self, mode: QueueMode, end: End) {
        self.set_flag(true);
        let change = self.with_queueing(|queueing| queueing.presuspend(mode, true));
        if change != Presuspend::Unchanged {
            self.send_kept(mode);
        }
        match end {
            End::Resumed => {
                self.with_queueing(Queueing::resume);
                self.set_flag(false);
            }
            End::CalledOff => {
                self.set_flag(false);
                self.with_queueing(Queueing::resume);
                self.send_kept(mode);
            }
            End::Replaced => {}
        }
    }

    fn with_queueing<R>(&self, change: impl FnOnce(&mut Queueing) -> R) -> R {
        change(&mut self.guarded.lock().unwrap().queueing)
    }

    /// What is kept is mapped again.
    fn send_kept(&self, mode: QueueMode) {
        let kept = std::mem::take(&mut self.guarded.lock().unwrap().kept);
        for _ in 0..kept {
            self.map(mode, self);
        }
    }

    /// What the target does with I/O for which no path is left. Requests that are put back are not with the
    /// target.
    fn map(&self, mode: QueueMode, suspension: &impl Suspension) {
        let mut guarded = self.guarded.lock().unwrap();
        match guarded.queueing.no_path(mode, suspension) {
            NoPath::Queue => guarded.kept += 1,
            NoPath::Requeue | NoPath::PushBack => {}
            NoPath::Kill => panic!("I/O has ended with an error"),
        }
    }
}

/// The way of the target, and one that asks for the flag too early.
#[derive(Clone, Copy)]
enum Order {
    Right,
    Wrong,
}

/// False if the target is left with I/O that nobody will send, so that the suspension never ends.
fn ends_well(mode: QueueMode, end: End, order: Order) -> bool {
    let left = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let seen = left.clone();
    loom::model(move || {
        let device = Device::new();
        let other = {
            let device = device.clone();
            thread::spawn(move || device.suspend(mode, end))
        };
        match order {
            Order::Right => device.map(mode, &*device),
            Order::Wrong => {
                let stale = Stale(device.is_without_flush());
                device.map(mode, &stale);
            }
        }
        other.join().unwrap();
        let guarded = device.guarded.lock().unwrap();
        if guarded.kept != 0 && !guarded.queueing.is_on() {
            seen.store(true, std::sync::atomic::Ordering::Relaxed);
        }
    });
    !left.load(std::sync::atomic::Ordering::Relaxed)
}

#[test]
fn bios_are_not_lost_while_a_map_is_suspended() {
    for end in [End::Replaced, End::Resumed, End::CalledOff] {
        assert!(ends_well(QueueMode::Bio, end, Order::Right));
    }
}

#[test]
fn requests_are_not_lost_while_a_map_is_suspended() {
    for end in [End::Replaced, End::Resumed, End::CalledOff] {
        assert!(ends_well(QueueMode::Request, end, Order::Right));
    }
}

/// The model sees what the order is for.
#[test]
fn bios_are_left_if_the_flag_is_asked_for_before_the_lock() {
    assert!(!ends_well(QueueMode::Bio, End::Replaced, Order::Wrong));
}
