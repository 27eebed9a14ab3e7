// SPDX-License-Identifier: GPL-2.0

//! The least loaded of many paths, without looking at all of them.
//!
//! A tournament with eight players a match: each path has a key, of which the least is the best,
//! each block of eight keys has a winner, and so have eight blocks. The winner of all is read in
//! one step. A change of one path's load plays its block again, and the next one above only if the
//! winner has changed: one block for up to 8 paths, two for up to 64.
//!
//! # Concurrency
//!
//! Any CPU may start and end I/O on any path, in any context. Loads change by themselves, matches
//! are played by one thread at a time. Who comes meanwhile does not wait: it marks its path, and
//! the thread that plays sees the mark before it ends. The winner may so be out of date while loads
//! change; it is right when they rest.

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
/// From the top: a bit for a failed path, the load (the greatest one stands for any more), the
/// clock when I/O was last started, the path. So of equally loaded paths the one is best that was
/// used longest ago, and no two keys are equal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Key(u64);

impl Key {
    const PATH_BITS: u32 = 10;
    const CLOCK_BITS: u32 = 29;
    const LOAD_BITS: u32 = 24;

    const CLOCK_SHIFT: u32 = Self::PATH_BITS;
    const LOAD_SHIFT: u32 = Self::CLOCK_SHIFT + Self::CLOCK_BITS;
    const FAILED: u64 = 1 << (Self::LOAD_SHIFT + Self::LOAD_BITS);

    const MAX_LOAD: u64 = (1 << Self::LOAD_BITS) - 1;
    const MAX_CLOCK: u32 = (1 << Self::CLOCK_BITS) - 1;
    const CLOCK_MASK: u64 = (Self::MAX_CLOCK as u64) << Self::CLOCK_SHIFT;
    const PATH_MASK: u64 = (1 << Self::PATH_BITS) - 1;

    /// What stands where there is no path.
    const NONE: Self = Self(u64::MAX);

    /// This key for another load; of a path that failed if [`Load::FAILED`] is set.
    #[inline]
    const fn with_load(self, load: u64) -> Self {
        let shown = load & !Load::FAILED;
        let shown = if shown > Self::MAX_LOAD {
            Self::MAX_LOAD
        } else {
            shown
        };
        let rest = self.0 & (Self::CLOCK_MASK | Self::PATH_MASK);
        // The bit for a failed path is the same one.
        Self(rest | (shown << Self::LOAD_SHIFT) | (load & Load::FAILED))
    }

    /// This key for a path that was used just now.
    #[inline]
    const fn with_clock(self, clock: u32) -> Self {
        Self((self.0 & !Self::CLOCK_MASK) | ((clock as u64) << Self::CLOCK_SHIFT))
    }

    #[inline]
    const fn is_failed(self) -> bool {
        self.0 & Self::FAILED != 0
    }

    #[inline]
    const fn path(self) -> u32 {
        (self.0 & Self::PATH_MASK) as u32
    }
}

const _: () = assert!(Key::FAILED == Load::FAILED);

/// The load of a path: a count, and the top bit while the path has failed.
struct Load;

impl Load {
    const FAILED: u64 = 1 << 63;
}

/// Keys of a match.
const PLAYERS: u32 = 8;

/// One match.
type Block = [AtomicU64; PLAYERS as usize];

/// Paths that a tree may have.
pub(crate) const MAX_PATHS: u32 = 1 << Key::PATH_BITS;

/// Nobody plays.
const FREE: u32 = 0;
/// A thread plays.
const PLAYING: u32 = 1;
/// Paths were marked.
const MARKED: u32 = 2;

/// How often a thread plays for others before it leaves the rest to the next one.
const MAX_ROUNDS: u32 = 16;

/// The loads of some paths.
///
/// # Invariants
///
/// - `blocks` has a key for each path, then one for each of the blocks before that, and so on until
///   one block is left. Only the thread that set `PLAYING` writes keys, `winner` and `clock`.
/// - `clock` is at most [`Key::MAX_CLOCK`].
pub(crate) struct Tree<M: Memory> {
    loads: M::Vec<AtomicU64>,
    blocks: M::Vec<Block>,
    /// Blocks that hold the keys of paths.
    lowest: u32,
    winner: AtomicU64,
    play: AtomicU32,
    clock: AtomicU32,
    /// Paths whose matches are to be played, a bit for each.
    marks: M::Vec<AtomicU64>,
}

impl<M: Memory> Tree<M> {
    /// `paths` paths without load, [`MAX_PATHS`] at most, the first one to be preferred. May sleep.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`].
    pub(crate) fn new(paths: u32) -> Result<Self, OutOfMemory> {
        Self::starting_at(paths, 0)
    }

    /// The same, with the clock as it is after some I/O.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`].
    pub(crate) fn starting_at(paths: u32, clock: u32) -> Result<Self, OutOfMemory> {
        let paths = paths.clamp(1, MAX_PATHS);
        let lowest = paths.div_ceil(PLAYERS);
        let mut number = lowest;
        let mut level = lowest;
        while level > 1 {
            level = level.div_ceil(PLAYERS);
            number = number.saturating_add(level);
        }
        let none = |_| core::array::from_fn(|_| AtomicU64::new(Key::NONE.0));
        // INVARIANT: as many blocks as that, and the clock is reduced.
        let tree = Self {
            loads: Vector::of((0..paths).map(|_| AtomicU64::new(0)))?,
            blocks: Vector::of((0..number).map(none))?,
            lowest,
            winner: AtomicU64::new(Key::NONE.0),
            play: AtomicU32::new(FREE),
            clock: AtomicU32::new(clock.min(Key::MAX_CLOCK)),
            marks: Vector::of((0..paths.div_ceil(u64::BITS)).map(|_| AtomicU64::new(0)))?,
        };
        tree.restart_clock();
        tree.clock
            .store(clock.min(Key::MAX_CLOCK), Ordering::Relaxed);
        Ok(tree)
    }

    /// The best path; [`None`] if all have failed.
    #[inline]
    pub(crate) fn best(&self) -> Option<u32> {
        let winner = Key(self.winner.load(Ordering::Relaxed));
        if winner.is_failed() {
            return self.search();
        }
        Some(winner.path())
    }

    /// Looks at every load. Finds a path also while the winner is out of date.
    #[cold]
    fn search(&self) -> Option<u32> {
        let loads = self.loads.iter().map(|load| load.load(Ordering::Relaxed));
        (0u32..)
            .zip(loads)
            .filter(|(_, load)| load & Load::FAILED == 0)
            .min_by_key(|(_, load)| *load)
            .map(|(path, _)| path)
    }

    /// The load of a path.
    #[inline]
    pub(crate) fn load(&self, path: u32) -> u64 {
        match self.loads.get(path as usize) {
            Some(load) => load.load(Ordering::Relaxed) & !Load::FAILED,
            None => 0,
        }
    }

    /// I/O of `load` starts on a path. False if the path has failed.
    #[inline]
    pub(crate) fn start(&self, path: u32, load: u32) -> bool {
        let Some(sum) = self.loads.get(path as usize) else {
            return false;
        };
        // Loads are no count of anything that could reach 63 bits.
        if sum.fetch_add(u64::from(load), Ordering::AcqRel) & Load::FAILED != 0 {
            sum.fetch_sub(u64::from(load), Ordering::AcqRel);
            return false;
        }
        self.settle(path, true);
        true
    }

    /// I/O of `load` that was started on a path has ended.
    #[inline]
    pub(crate) fn end(&self, path: u32, load: u32) {
        if let Some(sum) = self.loads.get(path as usize) {
            sum.fetch_sub(u64::from(load), Ordering::AcqRel);
            self.settle(path, false);
        }
    }

    /// A path is out of use.
    pub(crate) fn fail(&self, path: u32) {
        if let Some(load) = self.loads.get(path as usize) {
            load.fetch_or(Load::FAILED, Ordering::AcqRel);
            self.settle(path, false);
        }
    }

    /// A path is in use again, as the one that was used last.
    pub(crate) fn reinstate(&self, path: u32) {
        if let Some(load) = self.loads.get(path as usize) {
            load.fetch_and(!Load::FAILED, Ordering::AcqRel);
            self.settle(path, true);
        }
    }

    /// Sees to it that the matches of a path are played, after its load has changed.
    #[inline]
    fn settle(&self, path: u32, used: bool) {
        // Acquire: keys are as the last player left them.
        if self
            .play
            .compare_exchange(FREE, PLAYING, Ordering::Acquire, Ordering::Relaxed)
            .is_ok()
        {
            self.play(path, used);
        } else if !self.mark(path) {
            return;
        }
        // Release: the next player finds the keys as they are now.
        if self
            .play
            .compare_exchange(PLAYING, FREE, Ordering::Release, Ordering::Relaxed)
            .is_err()
        {
            self.play_marked();
        }
    }

    /// Leaves the matches of a path to the thread that plays. True if there is none any more: the
    /// caller plays then.
    #[cold]
    fn mark(&self, path: u32) -> bool {
        if let Some(marks) = self.marks.get((path / u64::BITS) as usize) {
            // Release: who takes the mark sees the load.
            marks.fetch_or(1 << (path % u64::BITS), Ordering::AcqRel);
        }
        // Acquire: see `settle`. Release: the player sees the mark that this word announces.
        self.play.fetch_or(PLAYING | MARKED, Ordering::AcqRel) & PLAYING == 0
    }

    /// Plays what others have marked, and stops playing. A marked path counts as used, whatever
    /// its mark is for: that is near enough while CPUs compete.
    #[cold]
    fn play_marked(&self) {
        for _ in 0..MAX_ROUNDS {
            self.play.swap(PLAYING, Ordering::AcqRel);
            for (number, marks) in (0u32..).zip(self.marks.iter()) {
                let mut bits = marks.swap(0, Ordering::AcqRel);
                while bits != 0 {
                    let first = number.saturating_mul(u64::BITS);
                    self.play(first.saturating_add(bits.trailing_zeros()), true);
                    bits &= bits.wrapping_sub(1);
                }
            }
            if self
                .play
                .compare_exchange(PLAYING, FREE, Ordering::Release, Ordering::Relaxed)
                .is_ok()
            {
                return;
            }
        }
        // Others are busy enough: the next one to come finds the marks.
        self.play.fetch_and(!PLAYING, Ordering::Release);
    }

    /// The clock for a path that is used now.
    #[inline]
    fn tick(&self) -> u32 {
        let now = self.clock.load(Ordering::Relaxed);
        if now >= Key::MAX_CLOCK {
            self.restart_clock();
            return 0;
        }
        // INVARIANT: below the limit before.
        self.clock.store(now.wrapping_add(1), Ordering::Relaxed);
        now.wrapping_add(1)
    }

    /// Forgets when each path was used, and plays every match.
    #[cold]
    fn restart_clock(&self) {
        for (path, load) in (0u32..).zip(self.loads.iter()) {
            let key = Key(u64::from(path)).with_load(load.load(Ordering::Relaxed));
            if let Some(slot) = self.slot(0, path) {
                slot.store(key.0, Ordering::Relaxed);
            }
        }
        self.clock.store(0, Ordering::Relaxed);
        let mut first = 0u32;
        let mut level = self.lowest;
        loop {
            for number in 0..level {
                let best = self.best_of(first.wrapping_add(number));
                self.place_above(first, level, number)
                    .store(best, Ordering::Relaxed);
            }
            if level == 1 {
                return;
            }
            first = first.wrapping_add(level);
            level = level.div_ceil(PLAYERS);
        }
    }

    /// Where key `number` is of the level whose first block is `first`.
    #[inline]
    fn slot(&self, first: u32, number: u32) -> Option<&AtomicU64> {
        let block = self
            .blocks
            .get(first.wrapping_add(number / PLAYERS) as usize)?;
        block.get((number % PLAYERS) as usize)
    }

    /// Where the winner of block `number` is, of a level of `level` blocks from `first`.
    #[inline]
    fn place_above(&self, first: u32, level: u32, number: u32) -> &AtomicU64 {
        if level == 1 {
            &self.winner
        } else {
            // There always is one.
            self.slot(first.wrapping_add(level), number)
                .unwrap_or(&self.winner)
        }
    }

    /// The best key of a block.
    #[inline]
    fn best_of(&self, block: u32) -> u64 {
        let Some(block) = self.blocks.get(block as usize) else {
            return u64::MAX;
        };
        let keys = block.iter().map(|key| key.load(Ordering::Relaxed));
        keys.fold(u64::MAX, u64::min)
    }

    /// Plays the matches of a path.
    #[inline]
    fn play(&self, path: u32, used: bool) {
        let (Some(load), Some(slot)) = (self.loads.get(path as usize), self.slot(0, path)) else {
            return;
        };
        // First, for it may change every key.
        let clock = used.then(|| self.tick());
        let old = Key(slot.load(Ordering::Relaxed));
        // Acquire: a load is as new as the mark for it.
        let mut new = old.with_load(load.load(Ordering::Acquire));
        if let Some(clock) = clock {
            new = new.with_clock(clock);
        }
        // INVARIANT: this thread plays.
        slot.store(new.0, Ordering::Relaxed);
        self.play_up(path, old.0, new.0);
    }

    /// Plays the matches above a key that was `old` and is `new`, up to the first that this cannot
    /// have decided.
    #[inline]
    fn play_up(&self, path: u32, mut old: u64, mut new: u64) {
        let mut number = path / PLAYERS;
        let mut level = self.lowest;
        let mut first = 0u32;
        loop {
            let place = self.place_above(first, level, number);
            let before = place.load(Ordering::Relaxed);
            if new > before {
                if before != old {
                    // Another one wins, as before.
                    return;
                }
                new = self.best_of(first.wrapping_add(number));
            }
            // INVARIANT: this thread plays.
            place.store(new, Ordering::Relaxed);
            if level == 1 {
                return;
            }
            old = before;
            first = first.wrapping_add(level);
            level = level.div_ceil(PLAYERS);
            number /= PLAYERS;
        }
    }
}
