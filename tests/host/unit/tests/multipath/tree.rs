// SPDX-License-Identifier: GPL-2.0

//! The tournament against looking at every path.

use super::Host;
use crate::multipath::tree::Tree;
use proptest::prelude::*;

/// Load, last use, failed.
type Model = Vec<(u32, u64, bool)>;

fn best(model: &Model) -> Option<(u32, u32)> {
    (0u32..)
        .zip(model)
        .filter(|(_, path)| !path.2)
        .min_by_key(|(_, path)| (path.0, path.1))
        .map(|(index, path)| (index, path.0))
}

#[derive(Clone, Debug)]
enum Event {
    Start(u32),
    StartAt(prop::sample::Index, u32),
    End(prop::sample::Index, u32),
    Fail(prop::sample::Index),
    Reinstate(prop::sample::Index),
}

fn event() -> impl Strategy<Value = Event> {
    let index = || any::<prop::sample::Index>();
    prop_oneof![
        6 => (0u32..4).prop_map(Event::Start),
        1 => (index(), 0u32..4).prop_map(|(path, load)| Event::StartAt(path, load)),
        6 => (index(), 0u32..4).prop_map(|(path, load)| Event::End(path, load)),
        1 => index().prop_map(Event::Fail),
        1 => index().prop_map(Event::Reinstate),
    ]
}

proptest! {
    #![proptest_config(super::super::config())]

    #[test]
    fn the_winner_is_the_least_loaded_path(
        paths in 1usize..70,
        events in prop::collection::vec(event(), 0..200),
    ) {
        let tree = Tree::<Host>::new(paths as u32).unwrap();
        let mut model: Model = (0..paths as u64).map(|index| (0, index, false)).collect();
        let mut clock = paths as u64;
        for event in events {
            prop_assert_eq!(tree.best(), best(&model));
            clock += 1;
            match event {
                Event::Start(load) => {
                    if let Some((index, _)) = tree.best() {
                        prop_assert!(tree.start(index, load));
                        let path = &mut model[index as usize];
                        *path = (path.0 + load, clock, false);
                    }
                }
                Event::StartAt(index, load) => {
                    let index = index.index(paths);
                    let path = &mut model[index];
                    prop_assert_eq!(tree.start(index as u32, load), !path.2);
                    if !path.2 {
                        *path = (path.0 + load, clock, false);
                    }
                }
                Event::End(index, load) => {
                    let index = index.index(paths);
                    tree.end(index as u32, load);
                    model[index].0 = model[index].0.saturating_sub(load);
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
fn a_load_does_not_overflow() {
    let tree = Tree::<Host>::new(2).unwrap();
    assert!(tree.start(0, u32::MAX));
    assert!(tree.start(0, u32::MAX));
    assert_eq!(tree.load(0), u32::MAX >> 1);
    assert_eq!(tree.best(), Some((1, 0)));
    tree.fail(1);
    assert_eq!(tree.best(), Some((0, u32::MAX >> 1)));
    tree.end(0, u32::MAX);
    assert_eq!(tree.best(), Some((0, 0)));
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
                        let (path, _) = tree.best().unwrap();
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
        let sum: u32 = (0..paths).map(|path| tree.load(path)).sum();
        assert_eq!(sum, 40);
        let (winner, load) = tree.best().unwrap();
        assert_eq!((tree.load(winner), load), (least, least), "{paths}");
    }
}
