// SPDX-License-Identifier: GPL-2.0

//! What happens to I/O for which no path is left, also during a suspension.
//!
//! Device-mapper sets its flag for a suspension without a flush before it calls the target's presuspend
//! hook, in which a bio-based map stops queueing: it gives its bios back to device-mapper, which keeps them.
//! I/O that is mapped, or ends, at that moment has to see at least one of the two. So the flag is read after
//! `queue_if_no_path`, and under the target's lock, which the hook takes as well.
//!
//! When such a suspension is interrupted, device-mapper clears its flag and sends the I/O again before it
//! calls the target's presuspend_undo hook. That I/O sees neither of the two, so it is kept until the hook
//! runs.
//!
//! Source: `queue_if_no_path`, `must_push_back_rq`, `__multipath_map_bio` in `drivers/md/dm-mpath.c`,
//! `__dm_suspend` in `drivers/md/dm.c`.

use super::super::features::QueueMode;

/// What becomes of I/O for which no path is left.
#[must_use]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NoPath {
    /// A request is put back and tried again after a delay (`DM_MAPIO_DELAY_REQUEUE`).
    Requeue,
    /// A bio is kept by the target.
    Queue,
    /// A bio is given back to device-mapper (`DM_MAPIO_REQUEUE`).
    PushBack,
    /// It is ended with an error (`DM_MAPIO_KILL`).
    Kill,
}

/// Tells whether the mapped device is being suspended.
pub(crate) trait Suspension {
    /// Whether it is being suspended without a flush: as it is now, not as it was before the target's lock
    /// was taken. Any context.
    fn is_without_flush(&self) -> bool;
}

/// Whether I/O is kept while no path is left. Under the target's lock.
#[derive(Debug)]
pub(crate) struct Queueing {
    /// `queue_if_no_path`.
    on: bool,
    /// `queue_if_no_path` as it was before the map was suspended.
    saved: bool,
    /// A suspension without a flush has begun that has neither ended nor been called off.
    without_flush: bool,
}

impl Queueing {
    pub(crate) const fn new(on: bool) -> Self {
        Self {
            on,
            saved: false,
            without_flush: false,
        }
    }

    /// Whether I/O is kept, now.
    pub(crate) const fn is_on(&self) -> bool {
        self.on
    }

    /// Whether I/O is kept, or will be when a suspension without a flush has ended.
    pub(crate) const fn will_be_on(&self) -> bool {
        self.on || (self.saved && self.without_flush)
    }

    /// What becomes of I/O for which no path is left.
    pub(crate) fn no_path(&self, mode: QueueMode, suspension: &impl Suspension) -> NoPath {
        if self.on {
            return match mode {
                QueueMode::Request => NoPath::Requeue,
                QueueMode::Bio => NoPath::Queue,
            };
        }
        // Read the flag only now: a suspension sets it before it turns queueing off.
        if suspension.is_without_flush() {
            return match mode {
                QueueMode::Request => NoPath::Requeue,
                QueueMode::Bio => NoPath::PushBack,
            };
        }
        // The flag is gone, and the hook is still to come that turns it on again.
        match mode {
            QueueMode::Bio if self.will_be_on() => NoPath::Queue,
            QueueMode::Request | QueueMode::Bio => NoPath::Kill,
        }
    }

    /// Turns it on or off by a message, or off because the time without a path is over.
    pub(crate) fn set(&mut self, on: bool) {
        if !on {
            // Asked for while suspended: resuming must not undo it.
            self.saved = false;
        }
        self.on = on;
    }

    /// The map is about to be suspended. Says what that has changed.
    pub(crate) fn presuspend(&mut self, mode: QueueMode, without_flush: bool) -> Presuspend {
        self.without_flush = without_flush;
        if mode == QueueMode::Request && without_flush {
            return Presuspend::Unchanged;
        }
        if !self.on && self.saved {
            // Off but saved as on: saving again would lose that.
            return Presuspend::AlreadySaved;
        }
        self.saved = self.on;
        self.on = false;
        Presuspend::Saved
    }

    /// The map is resumed, or its suspension was called off.
    pub(crate) fn resume(&mut self) {
        self.without_flush = false;
        self.on |= self.saved;
        self.saved = false;
    }
}

/// What a coming suspension has changed.
#[must_use]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Presuspend {
    /// Nothing: I/O is kept as before.
    Unchanged,
    /// Nothing is kept any more.
    Saved,
    /// Nothing is kept, nor was before, as the suspension before this one did not end.
    AlreadySaved,
}
