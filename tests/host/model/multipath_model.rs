// SPDX-License-Identifier: GPL-2.0

//! Models of what the multipath target's I/O shares without a lock.

use crate::multipath::map::Keeper;
use crate::multipath::memory::{Memory, OutOfMemory, Vector};
use crate::multipath::tree::Tree;
use crate::Guarded;
use loom::model::Builder;
use loom::sync::Arc;
use loom::thread;

struct Host;

impl Memory for Host {
    type Vec<T> = Vec<T>;
}

impl<T> Vector<T> for Vec<T> {
    fn empty() -> Self {
        Self::new()
    }

    fn append(&mut self, value: T) -> Result<(), OutOfMemory> {
        self.push(value);
        Ok(())
    }
}

/// Every interleaving with at most this many switches away from a thread that could go on; more
/// would take hours.
fn check(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}

/// No load is lost, and the winners that are found when loads rest are right.
fn assert_rests(tree: &Tree<Host>, loads: &[u64]) {
    let found: Vec<u64> = (0u32..)
        .zip(loads)
        .map(|(path, _)| tree.load(path))
        .collect();
    assert_eq!(found, loads);
    let winner = tree.refresh().expect("a path");
    assert_eq!(Some(&tree.load(winner)), loads.iter().min());
    assert_eq!(tree.best(), Some(winner));
}

/// Two threads change the loads of two paths of one block.
#[test]
fn a_tree_counts_every_load() {
    check(3, || {
        let tree = Arc::new(Tree::<Host>::new(2).unwrap());
        let other = {
            let tree = tree.clone();
            thread::spawn(move || {
                assert!(tree.start(0, 4));
                tree.end(0, 3);
            })
        };
        assert!(tree.start(1, 2));
        assert!(tree.start(0, 5));
        // Whatever the winner is just now, there is one.
        assert!(tree.best().is_some());
        other.join().unwrap();
        assert_rests(&tree, &[6, 2]);
    });
}

/// Two threads change the loads of paths of two blocks, each of which has a winner.
#[test]
fn winners_do_not_lose_a_load() {
    check(2, || {
        let tree = Arc::new(two_blocks());
        let other = {
            let tree = tree.clone();
            thread::spawn(move || {
                assert!(tree.start(8, 4));
                tree.end(8, 3);
            })
        };
        assert!(tree.start(0, 2));
        let third = tree.start_best(5, Some);
        other.join().unwrap();
        let found = [0, 8].map(|path| tree.load(path));
        match third {
            Some(0) => assert_eq!(found, [7, 1]),
            Some(8) => assert_eq!(found, [2, 6]),
            // Its winner was old.
            None => assert_eq!(found, [2, 1]),
            Some(path) => panic!("path {path} has failed"),
        }
        let best = tree.refresh();
        assert_eq!(best, Some(if found[0] < found[1] { 0 } else { 8 }));
        assert_eq!(tree.best(), best);
    });
}

/// A winner that is out of date is noticed when it is chosen: what is chosen has the key that it
/// was chosen for.
#[test]
fn an_old_winner_is_noticed() {
    check(2, || {
        let tree = Arc::new(two_blocks());
        let other = {
            let tree = tree.clone();
            thread::spawn(move || {
                assert!(tree.start(0, 9));
                tree.fail(8);
            })
        };
        // Unless it has failed before.
        let _ = tree.start(8, 1);
        other.join().unwrap();
        assert_eq!(tree.best(), Some(0));
    });
}

/// Two blocks with one path each that has not failed, the first and the ninth.
fn two_blocks() -> Tree<Host> {
    let tree = Tree::new(9).unwrap();
    for path in 1..8 {
        tree.fail(path);
    }
    tree
}

/// A path that has failed takes no load because its block's winner is old.
#[test]
fn an_old_winner_takes_no_load() {
    check(2, || {
        let tree = Arc::new(two_blocks());
        let other = {
            let tree = tree.clone();
            thread::spawn(move || tree.fail(0))
        };
        let first = tree.start_best(1, Some);
        other.join().unwrap();
        assert_ne!(tree.start_best(1, Some), Some(0));
        if let Some(first) = first {
            tree.end(first, 1);
        }
        assert!(tree.load(0) == 0 && tree.load(8) <= 1);
    });
}

/// A path that has failed takes no load and is not chosen by who knows; the other one is found.
#[test]
fn a_failed_key_is_not_chosen() {
    check(3, || {
        let tree = Arc::new(Tree::<Host>::new(2).unwrap());
        let other = {
            let tree = tree.clone();
            thread::spawn(move || tree.fail(0))
        };
        let first = tree.best().expect("a path");
        if tree.start(first, 1) {
            tree.end(first, 1);
        }
        other.join().unwrap();
        assert_eq!(tree.best(), Some(1));
        assert!(!tree.start(0, 1));
        assert_rests_without_first(&tree);
    });
}

fn assert_rests_without_first(tree: &Tree<Host>) {
    assert_eq!((tree.load(0), tree.load(1)), (0, 0));
    assert_eq!(tree.refresh(), Some(1));
}

/// Two threads in two blocks do not disturb each other.
#[test]
fn blocks_are_independent() {
    check(2, || {
        let tree = Arc::new(Tree::<Host>::new(9).unwrap());
        for path in 0..9 {
            assert!(tree.start(path, 10));
        }
        let other = {
            let tree = tree.clone();
            thread::spawn(move || tree.end(8, 3))
        };
        tree.end(0, 4);
        other.join().unwrap();
        assert_eq!(tree.best(), Some(0));
        assert_eq!((tree.load(0), tree.load(8)), (6, 7));
    });
}

/// Once a path has been failed, no thread that knows of it is lent it; counts agree at the end.
#[test]
fn a_failed_path_is_not_lent() {
    loom::model(|| {
        let keeper = Arc::new(Keeper::new(2));
        let failed = Arc::new(loom::sync::atomic::AtomicBool::new(false));
        let other = {
            let (keeper, failed) = (keeper.clone(), failed.clone());
            thread::spawn(move || {
                assert!(keeper.fail(0));
                failed.store(true, loom::sync::atomic::Ordering::Release);
            })
        };
        let knows = failed.load(loom::sync::atomic::Ordering::Acquire);
        let lent = keeper.0.lend(0).is_some();
        assert!(!(knows && lent));
        assert!(keeper.0.next_after(0).map(|loan| loan.index()) == Some(1));
        other.join().unwrap();
        assert!(keeper.0.lend(0).is_none());
        assert_eq!(keeper.0.count(), 1);
    });
}

/// What was done before a path was reinstated is visible to who is lent it.
#[test]
fn a_reinstated_path_is_ready() {
    loom::model(|| {
        let keeper = Arc::new(Keeper::new(1));
        let ready = Arc::new(Guarded::default());
        assert!(keeper.fail(0));
        let other = {
            let (keeper, ready) = (keeper.clone(), ready.clone());
            thread::spawn(move || {
                ready.set(1);
                assert!(keeper.reinstate(0));
            })
        };
        if keeper.0.lend(0).is_some() {
            assert_eq!(ready.get(), 1);
        }
        other.join().unwrap();
    });
}
