// SPDX-License-Identifier: GPL-2.0

//! The least loaded of many paths, without looking at all of them.
//!
//! Each path has a key, of which the least is the best. Keys stand in blocks of eight, and of each
//! block the winner is known. Starting an I/O looks at the winners, of which there are eight for 64
//! paths, and then once at the block of the path that is taken; ending one compares one key with
//! one winner. Eight paths or less are one block, which needs no winner.
//!
//! # Concurrency
//!
//! Any CPU may start and end I/O on any path, in any context, without a lock. Keys are exact.
//! Winners are stored after the key has changed, and two CPUs may store them in the wrong order:
//! then a winner has changed meanwhile, which is noticed when it is chosen, or a better path of its
//! block is overlooked, until anything happens in that block or [`REFRESH_INTERVAL`] I/Os were
//! started. On one CPU the choice is exact.

use super::atomic::{
    AtomicU32,
    AtomicU64,
    Ordering, //
};
use super::memory::{
    Memory,
    OutOfMemory,
    Vector, //
};

/// What a path is worth: the least key is the best.
///
/// From the top: a bit for a failed path, the load, the clock when I/O was last started, the path.
/// So of equally loaded paths the one is best that was used longest ago, and no two keys are equal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Key(u64);

impl Key {
    const PATH_BITS: u32 = 10;
    const CLOCK_BITS: u32 = 21;
    const LOAD_BITS: u32 = 32;

    const CLOCK_SHIFT: u32 = Self::PATH_BITS;
    const LOAD_SHIFT: u32 = Self::CLOCK_SHIFT + Self::CLOCK_BITS;
    const FAILED: u64 = 1 << (Self::LOAD_SHIFT + Self::LOAD_BITS);

    const MAX_CLOCK: u32 = (1 << Self::CLOCK_BITS) - 1;
    const CLOCK_MASK: u64 = (Self::MAX_CLOCK as u64) << Self::CLOCK_SHIFT;
    const PATH_MASK: u64 = (1 << Self::PATH_BITS) - 1;
    const LOAD_MASK: u64 = (u32::MAX as u64) << Self::LOAD_SHIFT;

    #[inline]
    const fn is_failed(self) -> bool {
        self.0 & Self::FAILED != 0
    }

    #[inline]
    const fn path(self) -> u32 {
        (self.0 & Self::PATH_MASK) as u32
    }

    #[inline]
    const fn load(self) -> u32 {
        (self.0 >> Self::LOAD_SHIFT) as u32
    }

    #[inline]
    const fn clock(self) -> u32 {
        (self.0 >> Self::CLOCK_SHIFT) as u32 & Self::MAX_CLOCK
    }

    #[inline]
    const fn with_load(self, load: u32) -> Self {
        Self((self.0 & !Self::LOAD_MASK) | ((load as u64) << Self::LOAD_SHIFT))
    }

    #[inline]
    const fn with_clock(self, clock: u32) -> Self {
        Self((self.0 & !Self::CLOCK_MASK) | ((clock as u64) << Self::CLOCK_SHIFT))
    }

    /// The key after I/O of `load` has started, at `now` of the clock.
    #[inline]
    fn started(self, load: u32, now: u32) -> Self {
        self.with_load(self.load().saturating_add(load))
            .with_clock(now.min(Self::MAX_CLOCK))
    }
}

const _: () = assert!(Key::FAILED == 1 << 63);

/// Keys of a block.
const BLOCK: u32 = 8;

/// Paths that a tree may have.
pub(crate) const MAX_PATHS: u32 = 1 << Key::PATH_BITS;

/// Every so many I/Os all winners are looked for again; a power of two.
pub(crate) const REFRESH_INTERVAL: u32 = 256;

const _: () = assert!(REFRESH_INTERVAL.is_power_of_two());

/// The least of some keys.
#[inline]
fn least(keys: &[AtomicU64]) -> u64 {
    keys.iter()
        .map(|key| key.load(Ordering::Relaxed))
        .fold(u64::MAX, u64::min)
}

/// The loads of some paths.
///
/// # Invariants
///
/// - There are as many winners as blocks, but for one block: it has none.
/// - The key of each path has the path's number; where there is no path, the key is the greatest
///   there is and never changes.
pub(crate) struct Tree<M: Memory> {
    blocks: M::Vec<[AtomicU64; BLOCK as usize]>,
    winners: M::Vec<AtomicU64>,
    clock: AtomicU32,
    paths: u32,
}

impl<M: Memory> Tree<M> {
    /// `paths` paths without load, [`MAX_PATHS`] at most, the first one to be preferred. May sleep.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`].
    pub(crate) fn new(paths: u32) -> Result<Self, OutOfMemory> {
        Self::starting_at(paths, 1)
    }

    /// The same, with the clock as it is after some I/O.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`].
    pub(crate) fn starting_at(paths: u32, clock: u32) -> Result<Self, OutOfMemory> {
        let paths = paths.clamp(1, MAX_PATHS);
        let blocks = paths.div_ceil(BLOCK);
        let block = |number: u32| {
            core::array::from_fn(|slot| {
                let path = number.saturating_mul(BLOCK).saturating_add(slot as u32);
                AtomicU64::new(if path < paths {
                    u64::from(path)
                } else {
                    u64::MAX
                })
            })
        };
        let winners = if blocks > 1 { blocks } else { 0 };
        // INVARIANT: as many of each, or no winner for one block; and each key has its number.
        let tree = Self {
            blocks: Vector::of((0..blocks).map(block))?,
            winners: Vector::of((0..winners).map(|_| AtomicU64::new(u64::MAX)))?,
            clock: AtomicU32::new(clock),
            paths,
        };
        let _ = tree.refresh();
        Ok(tree)
    }

    #[inline]
    fn key(&self, path: u32) -> Option<&AtomicU64> {
        let block = self.blocks.get((path / BLOCK) as usize)?;
        block.get((path % BLOCK) as usize)
    }

    /// The best path; [`None`] if all have failed.
    #[inline]
    pub(crate) fn best(&self) -> Option<u32> {
        if let [block] = &*self.blocks {
            let best = Key(least(block));
            return (!best.is_failed()).then(|| best.path());
        }
        let winner = least(&self.winners);
        let path = Key(winner).path();
        match self.key(path) {
            Some(key) if key.load(Ordering::Relaxed) == winner && !Key(winner).is_failed() => {
                Some(path)
            }
            _ => self.refresh(),
        }
    }

    /// Looks at every path, and finds every winner again. Returns the best path; [`None`] if all
    /// have failed.
    #[cold]
    pub(crate) fn refresh(&self) -> Option<u32> {
        let now = self.clock.load(Ordering::Relaxed);
        for path in 0..self.paths {
            // The clock has started again while a path got the time from before.
            let is_late = |key: Key| key.clock() > now;
            let _ = self.update(path, |key| is_late(key).then(|| key.with_clock(0)));
        }
        let mut best = u64::MAX;
        for number in 0..self.blocks.len() as u32 {
            best = best.min(self.settle(number));
        }
        (!Key(best).is_failed()).then(|| Key(best).path())
    }

    /// Finds the winner of a block.
    #[inline]
    fn settle(&self, number: u32) -> u64 {
        let Some(block) = self.blocks.get(number as usize) else {
            return u64::MAX;
        };
        let best = least(block);
        if let Some(winner) = self.winners.get(number as usize) {
            winner.store(best, Ordering::Relaxed);
        }
        best
    }

    /// Changes a key. [`None`] if `change` gives nothing, or there is no such path.
    #[inline]
    fn update(&self, path: u32, change: impl Fn(Key) -> Option<Key>) -> Option<Key> {
        let key = self.key(path)?;
        // Ends: an exchange fails only if another thread changed the key, and so got on.
        let mut seen = key.load(Ordering::Relaxed);
        loop {
            let next = change(Key(seen))?;
            match key.compare_exchange_weak(seen, next.0, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return Some(next),
                Err(now) => seen = now,
            }
        }
    }

    /// The load of a path.
    #[inline]
    pub(crate) fn load(&self, path: u32) -> u64 {
        self.key(path)
            .map(|key| u64::from(Key(key.load(Ordering::Relaxed)).load()))
            .unwrap_or_default()
    }

    /// I/O of `load` starts on a path. False if the path has failed.
    pub(crate) fn start(&self, path: u32, load: u32) -> bool {
        let now = self.clock.fetch_add(1, Ordering::Relaxed);
        let started = self.update(path, |key| {
            (!key.is_failed()).then(|| key.started(load, now))
        });
        if started.is_none() {
            return false;
        }
        self.has_started(path / BLOCK, now);
        true
    }

    /// I/O of `load` starts on the best path, which is what `lend` gives for it. [`None`] if it is not
    /// lent, has changed meanwhile, or all have failed; [`Tree::best`] knows more then.
    #[inline]
    pub(crate) fn start_best<L>(
        &self,
        load: u32,
        lend: impl FnOnce(u32) -> Option<L>,
    ) -> Option<L> {
        let (best, block) = match &*self.blocks {
            [block] => (Key(least(block)), block),
            blocks => {
                let best = Key(least(&self.winners));
                (best, blocks.get((best.path() / BLOCK) as usize)?)
            }
        };
        if best.is_failed() {
            return None;
        }
        let lent = lend(best.path())?;
        let key = block.get((best.path() % BLOCK) as usize)?;
        let now = self.clock.fetch_add(1, Ordering::Relaxed);
        let next = best.started(load, now);
        // A winner that is old is nobody's key.
        key.compare_exchange(best.0, next.0, Ordering::AcqRel, Ordering::Relaxed)
            .ok()?;
        self.has_started(best.path() / BLOCK, now);
        Some(lent)
    }

    /// I/O has started on a path of a block, at `now` of the clock.
    #[inline]
    fn has_started(&self, block: u32, now: u32) {
        if now % REFRESH_INTERVAL == 0 {
            self.tidy(now);
        } else if !self.winners.is_empty() {
            self.settle(block);
        }
    }

    /// Done every [`REFRESH_INTERVAL`] I/Os.
    #[cold]
    fn tidy(&self, now: u32) {
        if now >= Key::MAX_CLOCK.wrapping_sub(REFRESH_INTERVAL) {
            // When each path was used is forgotten: every key is late then.
            self.clock.store(1, Ordering::Relaxed);
        }
        let _ = self.refresh();
    }

    /// I/O of `load` that was started on a path has ended.
    #[inline]
    pub(crate) fn end(&self, path: u32, load: u32) {
        let ended = self.update(path, |key| {
            Some(key.with_load(key.load().saturating_sub(load)))
        });
        if let (Some(key), Some(winner)) = (ended, self.winners.get((path / BLOCK) as usize)) {
            if key.0 < winner.load(Ordering::Relaxed) {
                winner.store(key.0, Ordering::Relaxed);
            }
        }
    }

    /// A path is out of use.
    pub(crate) fn fail(&self, path: u32) {
        let _ = self.update(path, |key| Some(Key(key.0 | Key::FAILED)));
        self.settle(path / BLOCK);
    }

    /// A path is in use again, as the one that was used last.
    pub(crate) fn reinstate(&self, path: u32) {
        let now = self.clock.fetch_add(1, Ordering::Relaxed);
        let _ = self.update(path, |key| {
            Some(Key(key.0 & !Key::FAILED).with_clock(now.min(Key::MAX_CLOCK)))
        });
        self.settle(path / BLOCK);
    }
}
