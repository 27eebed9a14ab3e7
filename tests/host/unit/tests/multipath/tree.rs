// SPDX-License-Identifier: GPL-2.0

//! The tree of loads against looking at every path.

use super::Host;
use crate::multipath::tree::Tree;
use proptest::prelude::*;
use proptest::sample::Index;

/// Load, last use, failed.
type Model = Vec<(u64, u64, bool)>;

fn best(model: &Model) -> Option<u32> {
    (0u32..)
        .zip(model)
        .filter(|(_, path)| !path.2)
        .min_by_key(|(_, path)| (path.0, path.1))
        .map(|(index, _)| index)
}

#[derive(Clone, Debug)]
enum Event {
    Start(u32),
    StartAt(Index, u32),
    End(Index),
    Fail(Index),
    Reinstate(Index),
}

fn event() -> impl Strategy<Value = Event> {
    let index = || any::<Index>();
    prop_oneof![
        6 => (0u32..4).prop_map(Event::Start),
        1 => (index(), 0u32..4).prop_map(|(path, load)| Event::StartAt(path, load)),
        6 => index().prop_map(Event::End),
        1 => index().prop_map(Event::Fail),
        1 => index().prop_map(Event::Reinstate),
    ]
}

proptest! {
    #![proptest_config(super::super::config())]

    #[test]
    fn the_winner_is_the_least_loaded_path(
        paths in prop_oneof![1usize..20, 1usize..70, 1usize..600],
        events in prop::collection::vec(event(), 0..200),
    ) {
        let tree = Tree::<Host>::new(paths as u32).unwrap();
        let mut model: Model = vec![(0, 0, false); paths];
        let mut in_flight = Vec::new();
        for (clock, event) in (1u64..).zip(events) {
            prop_assert_eq!(tree.best(), best(&model));
            match event {
                Event::Start(load) => {
                    let started = tree.start_best(load, Some);
                    prop_assert_eq!(started, best(&model));
                    if let Some(index) = started {
                        in_flight.push((index, load));
                        let path = &mut model[index as usize];
                        *path = (path.0 + u64::from(load), clock, false);
                    }
                }
                Event::StartAt(index, load) => {
                    let index = index.index(paths);
                    let path = &mut model[index];
                    prop_assert_eq!(tree.start(index as u32, load), !path.2);
                    if !path.2 {
                        in_flight.push((index as u32, load));
                        *path = (path.0 + u64::from(load), clock, false);
                    }
                }
                Event::End(io) => {
                    if !in_flight.is_empty() {
                        let (index, load) = in_flight.swap_remove(io.index(in_flight.len()));
                        tree.end(index, load);
                        model[index as usize].0 -= u64::from(load);
                    }
                }
                Event::Fail(index) => {
                    let index = index.index(paths);
                    tree.fail(index as u32);
                    model[index].2 = true;
                }
                Event::Reinstate(index) => {
                    let index = index.index(paths);
                    tree.reinstate(index as u32);
                    model[index] = (model[index].0, clock, false);
                }
            }
            for (index, path) in (0u32..).zip(&model) {
                prop_assert_eq!(tree.load(index), path.0);
            }
        }
        prop_assert_eq!(tree.best(), best(&model));
    }
}

#[test]
fn more_load_than_a_key_holds() {
    let tree = Tree::<Host>::new(2).unwrap();
    for _ in 0..2 {
        assert!(tree.start(0, u32::MAX));
    }
    assert_eq!(tree.load(0), u64::from(u32::MAX));
    assert_eq!(tree.best(), Some(1));
    tree.fail(1);
    assert_eq!(tree.best(), Some(0));
    tree.reinstate(1);
    for _ in 0..2 {
        tree.end(0, u32::MAX);
    }
    assert_eq!(tree.load(0), 0);
    assert_eq!(tree.best(), Some(0));
}

#[test]
fn the_clock_starts_again() {
    for paths in [1u32, 3, 8, 9, 100] {
        let tree = Tree::<Host>::starting_at(paths, (1 << 21) - 700).unwrap();
        let mut uses = vec![0u32; paths as usize];
        // One after the other, before and after; who is next is forgotten once.
        for _ in 0..paths * 20 + 2000 {
            let path = tree.best().unwrap();
            assert!(tree.start(path, 1));
            tree.end(path, 1);
            uses[path as usize] += 1;
        }
        let (least, most) = (uses.iter().min().unwrap(), uses.iter().max().unwrap());
        assert!(most - least <= 2, "{uses:?}");
    }
}

#[test]
fn threads_leave_a_right_winner_behind() {
    for paths in [2u32, 5, 64] {
        let tree = Tree::<Host>::new(paths).unwrap();
        std::thread::scope(|scope| {
            for thread in 0..4u32 {
                let tree = &tree;
                scope.spawn(move || {
                    for round in 0..20_000u32 {
                        let path = tree.best().unwrap();
                        assert!(tree.start(path, 1 + thread));
                        if round % 3 == 0 {
                            std::thread::yield_now();
                        }
                        tree.end(path, 1 + thread);
                    }
                    // Each thread leaves some load on one path.
                    assert!(tree.start(thread % paths, 10));
                });
            }
        });
        let least = (0..paths).map(|path| tree.load(path)).min().unwrap();
        let sum: u64 = (0..paths).map(|path| tree.load(path)).sum();
        assert_eq!(sum, 40);
        let winner = tree.refresh().unwrap();
        assert_eq!(tree.best(), Some(winner));
        assert_eq!(tree.load(winner), least, "{paths}");
    }
}
