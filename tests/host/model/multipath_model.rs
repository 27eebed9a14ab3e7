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

/// The winner is the least loaded path, by looking at each.
fn assert_settled(tree: &Tree<Host>, paths: u32) {
    let least = (0..paths).map(|path| tree.load(path)).min();
    let winner = tree.best().expect("a path");
    assert_eq!(Some(tree.load(winner)), least);
}

/// Two threads change the loads of two paths: when both are done, the winner is right.
#[test]
fn a_tree_is_settled_when_loads_rest() {
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
        other.join().unwrap();
        // Loads are 1 and 2.
        assert_eq!(tree.best(), Some(0));
    });
}

/// The same with three paths.
#[test]
fn a_tree_of_three_is_settled_too() {
    check(2, || {
        let tree = Arc::new(Tree::<Host>::new(3).unwrap());
        let other = {
            let tree = tree.clone();
            thread::spawn(move || {
                assert!(tree.start(2, 5));
            })
        };
        assert!(tree.start(0, 3));
        assert!(tree.start(1, 4));
        other.join().unwrap();
        assert_settled(&tree, 3);
        assert_eq!(tree.best(), Some(0));
    });
}

/// The same with more than one match on the way up.
#[test]
fn a_taller_tree_is_settled_too() {
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
        assert_settled(&tree, 9);
        assert_eq!(tree.best(), Some(0));
    });
}

/// Three threads: the one that plays finds the marks of two others.
#[test]
fn marks_of_two_threads_are_found() {
    check(2, || {
        let tree = Arc::new(Tree::<Host>::new(2).unwrap());
        let threads: Vec<_> = (0..2u32)
            .map(|path| {
                let tree = tree.clone();
                thread::spawn(move || assert!(tree.start(path, 2 - path)))
            })
            .collect();
        assert!(tree.start(0, 1));
        for thread in threads {
            thread.join().unwrap();
        }
        // Loads are 3 and 1.
        assert_eq!(tree.best(), Some(1));
    });
}

/// A path that has failed takes no load, and is not the winner, whatever happens at the same time.
#[test]
fn a_failed_leaf_stays_behind() {
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
        assert!(keeper.0.next_after(0) == Some(1));
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
