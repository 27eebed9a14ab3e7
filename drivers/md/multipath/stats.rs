// SPDX-License-Identifier: GPL-2.0

//! What went over a path: counts, and how long it took.

use core::fmt;

use super::atomic::{
    AtomicU32,
    AtomicU64,
    Ordering, //
};

/// Buckets of the latency histogram. The first one is for less than 8 µs, each one after it reaches
/// twice as far, and the last one is for everything longer.
pub(crate) const BUCKETS: usize = 22;

/// Microseconds that the first bucket reaches to, as a power of two.
const FIRST_BUCKET_SHIFT: u32 = 3;
const NSECS_PER_USEC: u64 = 1000;

/// The bucket of a latency in nanoseconds.
#[inline]
const fn bucket(nsecs: u64) -> usize {
    let usecs = (nsecs / NSECS_PER_USEC) >> FIRST_BUCKET_SHIFT;
    let bucket = (u64::BITS - usecs.leading_zeros()) as usize;
    if bucket < BUCKETS {
        bucket
    } else {
        BUCKETS - 1
    }
}

/// Microseconds below which latencies are in a bucket; [`None`] for the last one, and beyond.
pub(crate) const fn bucket_limit_usecs(bucket: usize) -> Option<u64> {
    if bucket + 1 < BUCKETS {
        Some(1 << (FIRST_BUCKET_SHIFT + bucket as u32))
    } else {
        None
    }
}

/// The counts of a path. Never reset; they wrap.
pub(crate) struct PathStats {
    sent: AtomicU64,
    ended: AtomicU64,
    bytes: AtomicU64,
    errors: AtomicU32,
    latencies: [AtomicU32; BUCKETS],
}

impl PathStats {
    /// Nothing so far.
    pub(crate) fn new() -> Self {
        Self {
            sent: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            errors: AtomicU32::new(0),
            latencies: core::array::from_fn(|_| AtomicU32::new(0)),
        }
    }

    #[inline]
    pub(super) fn sent(&self) {
        self.sent.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn taken_back(&self) {
        self.sent.fetch_sub(1, Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn ended(&self, nr_bytes: u32, error: bool) {
        if error {
            self.errors.fetch_add(1, Ordering::Relaxed);
        } else {
            self.bytes.fetch_add(u64::from(nr_bytes), Ordering::Relaxed);
        }
        self.ended.fetch_add(1, Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn took(&self, nsecs: u64) {
        if let Some(count) = self.latencies.get(bucket(nsecs)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// I/Os that have ended.
    pub(crate) fn ios(&self) -> u64 {
        self.ended.load(Ordering::Relaxed)
    }

    /// Bytes of those that ended without an error.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// I/Os that ended with an error.
    pub(crate) fn errors(&self) -> u32 {
        self.errors.load(Ordering::Relaxed)
    }

    /// I/Os that ended without an error, among them those that moved nothing. Too small while one that fails is
    /// being counted on another CPU.
    pub(crate) fn successes(&self) -> u64 {
        self.ios().saturating_sub(u64::from(self.errors()))
    }

    /// I/Os that have not ended.
    pub(crate) fn in_flight(&self) -> u64 {
        let ended = self.ended.load(Ordering::Acquire);
        self.sent.load(Ordering::Relaxed).saturating_sub(ended)
    }

    /// I/Os whose latency was measured, by bucket.
    pub(crate) fn latencies(&self) -> impl Iterator<Item = u32> + '_ {
        self.latencies
            .iter()
            .map(|count| count.load(Ordering::Relaxed))
    }
}

/// `ios N bytes N errors N in_flight N latency_us`, then for each bucket that is not empty its
/// limit and its count: `<16:5`, or `>=8388608:1` for the last.
impl fmt::Display for PathStats {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "ios {} bytes {} errors {} in_flight {} latency_us",
            self.ios(),
            self.bytes(),
            self.errors(),
            self.in_flight()
        )?;
        let mut reached = 0;
        for (bucket, count) in self.latencies().enumerate() {
            let limit = bucket_limit_usecs(bucket);
            match limit {
                _ if count == 0 => {}
                Some(limit) => write!(out, " <{limit}:{count}")?,
                None => write!(out, " >={reached}:{count}")?,
            }
            reached = limit.unwrap_or(reached);
        }
        Ok(())
    }
}
