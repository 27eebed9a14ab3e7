// SPDX-License-Identifier: GPL-2.0

//! Models of I/O without a path beside a suspension without a flush: none ends with an error.

use crate::multipath::features::QueueMode;
use crate::multipath::map::queueing::{NoPath, Queueing, Suspension};
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::sync::{Arc, Mutex};
use loom::thread;

/// A mapped device whose map queues: device-mapper's flag, and what the target's lock guards.
struct Device {
    noflush_suspending: AtomicBool,
    queueing: Mutex<Queueing>,
}

impl Suspension for Device {
    fn is_without_flush(&self) -> bool {
        // As `test_bit` reads it.
        self.noflush_suspending.load(Ordering::Relaxed)
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
            queueing: Mutex::new(Queueing::new(true)),
        })
    }

    /// `set_bit` and `clear_bit` give no order.
    fn set_flag(&self, set: bool) {
        self.noflush_suspending.store(set, Ordering::Relaxed);
    }

    /// `__dm_suspend`, then what ends it.
    fn suspend(&self, mode: QueueMode, end: End) {
        self.set_flag(true);
        let _ = self.queueing.lock().unwrap().presuspend(mode, true);
        match end {
            End::Resumed => {
                self.queueing.lock().unwrap().resume();
                self.set_flag(false);
            }
            End::CalledOff => {
                self.set_flag(false);
                self.queueing.lock().unwrap().resume();
            }
            End::Replaced => {}
        }
    }

    /// What the target does with I/O for which no path is left.
    fn no_path(&self, mode: QueueMode) -> NoPath {
        self.queueing.lock().unwrap().no_path(mode, self)
    }
}

fn beside_a_suspension(mode: QueueMode, end: End, ask: fn(&Device, QueueMode) -> NoPath) {
    loom::model(move || {
        let device = Device::new();
        let other = {
            let device = device.clone();
            thread::spawn(move || device.suspend(mode, end))
        };
        for _ in 0..2 {
            assert_ne!(ask(&device, mode), NoPath::Kill);
        }
        other.join().unwrap();
    });
}

#[test]
fn bios_are_not_lost_while_a_map_is_suspended() {
    for end in [End::Replaced, End::Resumed, End::CalledOff] {
        beside_a_suspension(QueueMode::Bio, end, Device::no_path);
    }
}

#[test]
fn requests_are_not_lost_while_a_map_is_suspended() {
    for end in [End::Replaced, End::Resumed, End::CalledOff] {
        beside_a_suspension(QueueMode::Request, end, Device::no_path);
    }
}
