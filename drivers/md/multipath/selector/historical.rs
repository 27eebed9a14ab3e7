// SPDX-License-Identifier: GPL-2.0

//! `historical-service-time`: the path that is expected to be done first, by what it took before.
//!
//! Source: `drivers/md/dm-ps-historical-service-time.c`. Times are in nanoseconds; the average has
//! [`FIXED_SHIFT`] more bits after the point.

use super::super::atomic::{
    AtomicU32,
    AtomicU64,
    Ordering, //
};
use super::super::map::{
    Loan,
    Usable, //
};
use super::super::memory::{
    Memory,
    OutOfMemory,
    Vector, //
};

/// Bits after the point.
const FIXED_SHIFT: u32 = 10;
const FIXED_1: u32 = 1 << FIXED_SHIFT;
const FIXED_MAX: u64 = u64::MAX >> FIXED_SHIFT;
/// More I/O in flight than this could overflow the estimate.
const MAX_IN_FLIGHT: u64 = FIXED_1 as u64;
/// Times are put into buckets of about 16 ms, each with its weight.
const BUCKET_SHIFT: u32 = 24;
const WEIGHTS: u32 = 64;

/// The group's arguments.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Settings {
    /// Weight of the history, of 1024. Below 1024.
    pub(crate) base_weight: u32,
    /// Paths differ only if one takes this many times as long as the other.
    pub(crate) threshold_multiplier: u32,
}

impl Settings {
    /// Weights are below this.
    pub(crate) const MAX_WEIGHT: u32 = FIXED_1;
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            base_weight: 972,
            threshold_multiplier: 0,
        }
    }
}

/// One path.
struct History {
    /// Average service time, fixed point.
    service_time: AtomicU64,
    /// I/O in flight.
    outstanding: AtomicU64,
    /// When the average is too old to be believed.
    stale_after: AtomicU64,
    /// When the last I/O ended.
    last_finish: AtomicU64,
    /// The clock when the path was last chosen.
    used: AtomicU32,
}

/// What a path looks like when two are compared.
#[derive(Clone, Copy, Debug)]
struct Estimate {
    service_time: u64,
    outstanding: u64,
    stale_after: u64,
}

/// The histories of a group's paths.
pub(crate) struct Historical<M: Memory> {
    settings: Settings,
    weights: M::Vec<u32>,
    paths: M::Vec<History>,
    clock: AtomicU32,
}

/// `x` to the power of `n`, both `x` and the result fixed point.
const fn fixed_power(mut x: u64, mut n: u32) -> u64 {
    const HALF: u64 = 1 << (FIXED_SHIFT - 1);
    let mut result = 1 << FIXED_SHIFT;
    while n > 0 {
        if n & 1 != 0 {
            result = (result * x + HALF) >> FIXED_SHIFT;
        }
        n >>= 1;
        x = (x * x + HALF) >> FIXED_SHIFT;
    }
    result
}

/// The next value of a moving average in which the old one has `weight`.
const fn fixed_average(last: u64, next: u64, weight: u64) -> u64 {
    last.wrapping_mul(weight)
        .wrapping_add(next.wrapping_mul((FIXED_1 as u64).wrapping_sub(weight)))
        .wrapping_add(1 << (FIXED_SHIFT - 1))
        >> FIXED_SHIFT
}

/// Whether `time` is after `other`; times wrap.
const fn is_after(time: u64, other: u64) -> bool {
    (other.wrapping_sub(time) as i64) < 0
}

impl<M: Memory> Historical<M> {
    /// `paths` paths without history. May sleep.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`].
    pub(crate) fn new(settings: Settings, paths: u32) -> Result<Self, OutOfMemory> {
        // The powers are below one: in 11 bits. The last one stands for everything older.
        let base = u64::from(settings.base_weight);
        let powers = (1..WEIGHTS).map(|power| fixed_power(base, power) as u32);
        Ok(Self {
            settings,
            weights: Vector::of(powers.chain([0]))?,
            paths: Vector::of((0..paths).map(|index| History {
                service_time: AtomicU64::new(u64::from(FIXED_1)),
                outstanding: AtomicU64::new(0),
                stale_after: AtomicU64::new(0),
                last_finish: AtomicU64::new(0),
                used: AtomicU32::new(index),
            }))?,
            clock: AtomicU32::new(paths),
        })
    }

    #[inline]
    fn estimate(path: &History) -> Estimate {
        Estimate {
            service_time: path.service_time.load(Ordering::Relaxed),
            outstanding: path.outstanding.load(Ordering::Relaxed),
            stale_after: path.stale_after.load(Ordering::Relaxed),
        }
    }

    /// The path that is expected to be done first at `now` nanoseconds; the I/O counts as in
    /// flight from here. Of equal paths the one that was chosen longest ago.
    #[inline(never)]
    pub(crate) fn pick<'a>(&self, usable: &'a Usable, now: u64) -> Option<Loan<'a>> {
        self.pick_among(usable, now, |_| true)
    }

    /// The same of the paths that are accepted.
    #[inline]
    pub(crate) fn pick_among<'a>(
        &self,
        usable: &'a Usable,
        now: u64,
        accepts: impl Fn(u32) -> bool,
    ) -> Option<Loan<'a>> {
        let mut best: Option<(u32, &History, Estimate, u32)> = None;
        for index in usable.iter().filter(|index| accepts(*index)) {
            let Some(path) = self.paths.get(index as usize) else {
                continue;
            };
            let estimate = Self::estimate(path);
            let used = path.used.load(Ordering::Relaxed);
            let is_better = best.is_none_or(|(_, _, other, other_used)| {
                match compare(
                    &estimate,
                    &other,
                    now,
                    u64::from(self.settings.threshold_multiplier),
                ) {
                    0 => (used.wrapping_sub(other_used) as i32) < 0,
                    difference => difference < 0,
                }
            });
            if is_better {
                best = Some((index, path, estimate, used));
            }
        }
        let (index, path, _, _) = best?;
        let loan = usable.lend(index).or_else(|| {
            let mut others = usable.iter().filter(|index| accepts(*index));
            others.find_map(|index| usable.lend(index))
        })?;
        let path = self.paths.get(loan.index() as usize).unwrap_or(path);
        let used = self.clock.fetch_add(1, Ordering::Relaxed);
        path.used.store(used, Ordering::Relaxed);
        path.outstanding.fetch_add(1, Ordering::Relaxed);
        Some(loan)
    }

    /// I/O on a path was not sent after all.
    pub(crate) fn cancel(&self, index: u32) {
        if let Some(path) = self.paths.get(index as usize) {
            path.outstanding.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// I/O that was sent at `start` has ended on a path at `now`, in nanoseconds.
    #[inline(never)]
    pub(crate) fn end(&self, usable: &Usable, index: u32, start: u64, now: u64) {
        let Some(path) = self.paths.get(index as usize) else {
            return;
        };
        // I/O that was sent while another was with the device counts from when that one was done.
        let last_finish = path.last_finish.swap(now, Ordering::Relaxed);
        let start = if is_after(last_finish, start) {
            last_finish
        } else {
            start
        };
        let time = if is_after(start, now) {
            0
        } else {
            now.wrapping_sub(start)
        };
        path.outstanding.fetch_sub(1, Ordering::Relaxed);

        let bucket = usize::try_from(time >> BUCKET_SHIFT).unwrap_or(usize::MAX);
        let weight = self.weights.get(bucket).copied().unwrap_or_default();
        let next = time.saturating_mul(u64::from(FIXED_1)).min(FIXED_MAX);
        let average = |last| fixed_average(last, next, u64::from(weight));
        // Ends: an exchange fails only if another thread got on.
        let mut last = path.service_time.load(Ordering::Relaxed);
        while let Err(seen) = path.service_time.compare_exchange(
            last,
            average(last),
            Ordering::Relaxed,
            Ordering::Relaxed,
        ) {
            last = seen;
        }
        // A path that ends nothing for as long as all of them would take is stale.
        let fresh = (average(last) >> FIXED_SHIFT).wrapping_mul(u64::from(usable.count()));
        path.stale_after
            .store(now.wrapping_add(fresh), Ordering::Relaxed);
    }

    /// A path is in use again.
    pub(crate) fn reinstate(&self, index: u32) {
        if let Some(path) = self.paths.get(index as usize) {
            let used = self.clock.fetch_add(1, Ordering::Relaxed);
            path.used.store(used, Ordering::Relaxed);
        }
    }

    /// The group's arguments.
    pub(crate) const fn settings(&self) -> Settings {
        self.settings
    }

    /// Average service time (fixed point), I/O in flight, and when the average is stale
    /// (nanoseconds), of a path.
    pub(crate) fn figures(&self, index: u32) -> (u64, u64, u64) {
        self.paths
            .get(index as usize)
            .map(Self::estimate)
            .map(|path| (path.service_time, path.outstanding, path.stale_after))
            .unwrap_or_default()
    }
}

/// Compares two paths (`hst_compare`): less than zero if the first is better. This is no order:
/// a better path may be worse than a third that is not better than the second.
fn compare(path: &Estimate, other: &Estimate, now: u64, threshold: u64) -> i64 {
    let (mut time, mut other_time) = (path.service_time, other.service_time);
    let in_flight = path.outstanding.wrapping_sub(other.outstanding) as i64;

    let (slow, fast) = (time.max(other_time), time.min(other_time));
    if slow <= threshold.wrapping_mul(fast) {
        return in_flight;
    }

    // An idle path whose history is stale is tried; of two idle paths the staler one.
    let (idle, other_idle) = (path.outstanding == 0, other.outstanding == 0);
    let (is_stale, other_is_stale) = (path.stale_after < now, other.stale_after < now);
    if (idle && is_stale) || (other_idle && other_is_stale) || (idle && other_idle) {
        let of = |condition: bool, time: u64| if condition { time } else { 0 };
        return of(other_idle, path.stale_after).wrapping_sub(of(idle, other.stale_after)) as i64;
    }

    let other_is_better = if path.outstanding == other.outstanding {
        time > other_time
    } else {
        if path.outstanding >= MAX_IN_FLIGHT || other.outstanding >= MAX_IN_FLIGHT {
            time >>= FIXED_SHIFT;
            other_time >>= FIXED_SHIFT;
        }
        path.outstanding.wrapping_add(1).wrapping_mul(time)
            > other.outstanding.wrapping_add(1).wrapping_mul(other_time)
    };
    // A winner that is stale gets no more than its share.
    if other_is_better {
        if other_is_stale {
            in_flight
        } else {
            1
        }
    } else if is_stale {
        in_flight
    } else {
        -1
    }
}
