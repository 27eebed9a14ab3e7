// SPDX-License-Identifier: GPL-2.0

//! The least loaded of many paths, without looking at all of them.
//!
//! A tournament: each leaf is a path's load, each node the winner of the two below it. The winner
//! of all is read in one step, and a change of one path's load plays that path's matches again, at
//! most one for each doubling of the number of paths.
//!
//! # Concurrency
//!
//! Any CPU may start and end I/O on any path, in any context. Loads change by themselves, matches
//! are played by one thread at a time. Who comes meanwhile does not wait: it marks its leaf, and
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

/// Load and last use of a path. The lesser word is the better path.
///
/// From the top: one bit for a failed path, 31 bits of load, 32 bits of the clock when I/O was
/// last started.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Leaf(u64);

impl Leaf {
    const LOAD_SHIFT: u32 = 32;
    const MAX_LOAD: u32 = u32::MAX >> 1;
    const FAILED: u64 = 1 << 63;
    /// What is put where there is no path.
    const NONE: Self = Self(u64::MAX);

    #[inline]
    const fn new(load: u32, used: u32) -> Self {
        Self(((load as u64) << Self::LOAD_SHIFT) | used as u64)
    }

    #[inline]
    const fn is_failed(self) -> bool {
        self.0 & Self::FAILED != 0
    }

    #[inline]
    const fn load(self) -> u32 {
        (self.0 >> Self::LOAD_SHIFT) as u32 & Self::MAX_LOAD
    }

    #[inline]
    const fn used(self) -> u32 {
        self.0 as u32
    }

    /// With another load, and failed if it was.
    #[inline]
    const fn with(self, load: u32, used: u32) -> Self {
        let load = if load > Self::MAX_LOAD {
            Self::MAX_LOAD
        } else {
            load
        };
        Self(Self::new(load, used).0 | (self.0 & Self::FAILED))
    }

    /// Whether this path is to be preferred: less load, or as much and used longer ago.
    #[inline]
    const fn is_better_than(self, other: Self) -> bool {
        let (load, other_load) = (self.0 >> Self::LOAD_SHIFT, other.0 >> Self::LOAD_SHIFT);
        if load == other_load {
            // The clock wraps: what counts is the distance.
            (self.used().wrapping_sub(other.used()) as i32) < 0
        } else {
            load < other_load
        }
    }
}

/// Nobody plays.
const FREE: u32 = 0;
/// A thread plays.
const PLAYING: u32 = 1;
/// Leaves were marked.
const MARKED: u32 = 2;

/// How often a thread plays marked leaves for others before it leaves the rest to the next.
const MAX_ROUNDS: u32 = 16;

/// The loads of some paths.
///
/// # Invariants
///
/// - `leaves` has `size` elements and `nodes` as many; `size` is a power of two.
/// - Only the thread that set `PLAYING` writes `nodes`.
pub(crate) struct Tree<M: Memory> {
    size: u32,
    leaves: M::Vec<AtomicU64>,
    /// Winners, as indices of leaves. The node below the two nodes `2 n` and `2 n + 1` is `n`, the
    /// first one is not used.
    nodes: M::Vec<AtomicU32>,
    /// Leaves whose matches are to be played, a bit for each.
    marks: M::Vec<AtomicU64>,
    play: AtomicU32,
    clock: AtomicU32,
}

impl<M: Memory> Tree<M> {
    /// `paths` paths without load, the first one to be preferred. May sleep.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`].
    pub(crate) fn new(paths: u32) -> Result<Self, OutOfMemory> {
        let size = paths.max(1).next_power_of_two();
        let leaf = |index| {
            if index < paths {
                Leaf::new(0, index)
            } else {
                Leaf::NONE
            }
        };
        // INVARIANT: as many of each.
        let tree = Self {
            size,
            leaves: Vector::of((0..size).map(|index| AtomicU64::new(leaf(index).0)))?,
            nodes: Vector::of((0..size).map(|_| AtomicU32::new(0)))?,
            marks: Vector::of((0..size.div_ceil(u64::BITS)).map(|_| AtomicU64::new(0)))?,
            play: AtomicU32::new(FREE),
            clock: AtomicU32::new(paths),
        };
        for node in (1..size).rev() {
            let (left, right) = (tree.winner(node << 1), tree.winner((node << 1) | 1));
            let winner = if tree.leaf(right).is_better_than(tree.leaf(left)) {
                right
            } else {
                left
            };
            tree.set_winner(node, winner);
        }
        Ok(tree)
    }

    /// The leaf at `index`; one that loses if there is none.
    #[inline]
    fn leaf(&self, index: u32) -> Leaf {
        match self.leaves.get(index as usize) {
            Some(leaf) => Leaf(leaf.load(Ordering::Acquire)),
            None => Leaf::NONE,
        }
    }

    /// The winner at a place of the tree, node or leaf.
    #[inline]
    fn winner(&self, place: u32) -> u32 {
        match self.nodes.get(place as usize) {
            Some(node) => node.load(Ordering::Relaxed),
            None => place.wrapping_sub(self.size),
        }
    }

    #[inline]
    fn set_winner(&self, node: u32, winner: u32) {
        if let Some(node) = self.nodes.get(node as usize) {
            node.store(winner, Ordering::Relaxed);
        }
    }

    /// The best leaf and its load; [`None`] if all paths have failed.
    #[inline]
    pub(crate) fn best(&self) -> Option<(u32, u32)> {
        let index = if self.size > 1 { self.winner(1) } else { 0 };
        let leaf = self.leaf(index);
        if leaf.is_failed() {
            return self.search();
        }
        Some((index, leaf.load()))
    }

    /// Looks at every leaf. Finds the best one also while the winner is out of date.
    #[cold]
    fn search(&self) -> Option<(u32, u32)> {
        let mut best: Option<(u32, Leaf)> = None;
        for index in 0..self.size {
            let leaf = self.leaf(index);
            if !leaf.is_failed() && best.is_none_or(|(_, best)| leaf.is_better_than(best)) {
                best = Some((index, leaf));
            }
        }
        best.map(|(index, leaf)| (index, leaf.load()))
    }

    /// The load of a path.
    pub(crate) fn load(&self, index: u32) -> u32 {
        self.leaf(index).load()
    }

    /// Changes a leaf and plays its matches. False if `change` gives nothing; then nothing changes.
    #[inline]
    fn change(&self, index: u32, change: impl Fn(Leaf) -> Option<Leaf>) -> bool {
        let Some(leaf) = self.leaves.get(index as usize) else {
            return false;
        };
        // Ends: an exchange fails only if another thread changed the leaf, and so got on.
        let mut seen = leaf.load(Ordering::Relaxed);
        while let Some(next) = change(Leaf(seen)) {
            match leaf.compare_exchange(seen, next.0, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => {
                    self.settle(index);
                    return true;
                }
                Err(now) => seen = now,
            }
        }
        false
    }

    /// I/O of `load` starts on a path. False if the path has failed.
    #[inline]
    pub(crate) fn start(&self, index: u32, load: u32) -> bool {
        let now = self.clock.fetch_add(1, Ordering::Relaxed);
        self.change(index, |leaf| {
            (!leaf.is_failed()).then(|| leaf.with(leaf.load().saturating_add(load), now))
        })
    }

    /// I/O of `load` has ended on a path.
    #[inline]
    pub(crate) fn end(&self, index: u32, load: u32) {
        self.change(index, |leaf| {
            Some(leaf.with(leaf.load().saturating_sub(load), leaf.used()))
        });
    }

    /// A path is out of use.
    pub(crate) fn fail(&self, index: u32) {
        self.change(index, |leaf| Some(Leaf(leaf.0 | Leaf::FAILED)));
    }

    /// A path is in use again, as the one that was used last.
    pub(crate) fn reinstate(&self, index: u32) {
        let now = self.clock.fetch_add(1, Ordering::Relaxed);
        self.change(index, |leaf| Some(Leaf::new(leaf.load(), now)));
    }

    /// Sees to it that the matches of a leaf are played, after the leaf has changed.
    #[inline]
    fn settle(&self, index: u32) {
        if self.size == 1 {
            return;
        }
        // Acquire: the nodes are as the last player left them.
        if self
            .play
            .compare_exchange(FREE, PLAYING, Ordering::Acquire, Ordering::Relaxed)
            .is_ok()
        {
            self.play_up(index);
        } else if !self.mark(index) {
            return;
        }
        // Release: the next player finds the nodes as they are now.
        if self
            .play
            .compare_exchange(PLAYING, FREE, Ordering::Release, Ordering::Relaxed)
            .is_err()
        {
            self.play_marked();
        }
    }

    /// Leaves the matches of a leaf to the thread that plays. True if there is none any more: the
    /// caller plays then.
    #[cold]
    fn mark(&self, index: u32) -> bool {
        if let Some(marks) = self.marks.get((index / u64::BITS) as usize) {
            // Release: who takes the mark sees the leaf.
            marks.fetch_or(1 << (index % u64::BITS), Ordering::AcqRel);
        }
        // Acquire and release: see `settle`, and the player sees the mark that this word announces.
        self.play.fetch_or(PLAYING | MARKED, Ordering::AcqRel) & PLAYING == 0
    }

    /// Plays what others have marked, and stops playing.
    #[cold]
    fn play_marked(&self) {
        for _ in 0..MAX_ROUNDS {
            self.play.swap(PLAYING, Ordering::AcqRel);
            for (number, marks) in (0u32..).zip(self.marks.iter()) {
                let mut bits = marks.swap(0, Ordering::AcqRel);
                while bits != 0 {
                    let first = number.saturating_mul(u64::BITS);
                    self.play_up(first.saturating_add(bits.trailing_zeros()));
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

    /// Plays the matches of a leaf, up to the first that its change cannot have decided.
    #[inline]
    fn play_up(&self, index: u32) {
        let mut place = self.size.wrapping_add(index);
        let mut winner = index;
        let mut leaf = self.leaf(index);
        while place > 1 {
            let other = self.winner(place ^ 1);
            let other_leaf = self.leaf(other);
            if other_leaf.is_better_than(leaf) {
                winner = other;
                leaf = other_leaf;
            }
            place >>= 1;
            let Some(node) = self.nodes.get(place as usize) else {
                return;
            };
            let before = node.load(Ordering::Relaxed);
            if before == winner && winner != index {
                return;
            }
            // INVARIANT: this thread plays.
            node.store(winner, Ordering::Relaxed);
        }
    }
}
