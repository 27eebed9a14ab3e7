// SPDX-License-Identifier: GPL-2.0

//! I/O without a path while the map is suspended, reloaded, or a suspension is called off.

use super::{map, path, table_of, Suspending, TestMap, TestState};
use crate::multipath::block_status::{BioEnd, RequestEnd};
use crate::multipath::map::{Blame, NoPath};
use crate::multipath::BlockStatus;

const PATH: &str = "0 1 1 round-robin 0 1 0 8:0";

/// The map of these features, whose only path has failed.
fn without_path(features: &str) -> (TestMap, TestState) {
    let (map, mut state) = map(&format!("{features} {PATH}"));
    let _ = state.fail_path(&map, path(&map, 0), Blame::Io);
    (map, state)
}

/// Steps of a suspension without a flush, as `__dm_suspend` takes them, or of one that a signal ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    SetFlag,
    Presuspend,
    ClearFlag,
    Undo,
}

#[test]
fn at_no_step_of_a_suspension_is_io_lost() {
    use Step::{ClearFlag, Presuspend, SetFlag, Undo};
    for features in ["3 queue_mode bio queue_if_no_path", "1 queue_if_no_path"] {
        let (map, mut state) = without_path(features);
        let mut flag = false;
        for step in [SetFlag, Presuspend, ClearFlag, Undo] {
            let effects = match step {
                SetFlag | ClearFlag => {
                    flag = step == SetFlag;
                    Default::default()
                }
                Presuspend => state.presuspend(&map, true),
                Undo => state.presuspend_undone(&map),
            };
            let no_path = state.no_path(&map, &Suspending(flag));
            assert_ne!(no_path, NoPath::Kill, "{features}, after {step:?}");
            let remaining = state.remaining(&map, &Suspending(flag));
            let request = RequestEnd::new(BlockStatus::Transport, remaining);
            assert_ne!(request, RequestEnd::Done, "{features}, after {step:?}");
            let bio = BioEnd::new(BlockStatus::Transport, remaining);
            assert!(
                matches!(bio, BioEnd::Queue | BioEnd::Requeue),
                "{features}, after {step:?}"
            );
            // What is kept in the middle goes on at the end.
            assert!(effects.process_queued || step != Undo);
        }
        assert!(table_of(&map, &state).contains("queue_if_no_path"));
    }
}

#[test]
fn a_flush_ends_what_is_kept() {
    for features in ["3 queue_mode bio queue_if_no_path", "1 queue_if_no_path"] {
        let (map, mut state) = without_path(features);
        let effects = state.presuspend(&map, false);
        assert!(effects.process_queued && effects.run_queue);
        let kept = state.no_path(&map, &Suspending(false));
        assert_eq!(kept, NoPath::Kill, "{features}");
        // Called off, as when the filesystem cannot be frozen.
        let _ = state.presuspend_undone(&map);
        assert_ne!(state.no_path(&map, &Suspending(false)), NoPath::Kill);
    }
}

#[test]
fn without_queueing_a_suspension_without_a_flush_keeps_it_only_while_it_lasts() {
    let (map, mut state) = without_path("2 queue_mode bio");
    let _ = state.presuspend(&map, true);
    assert_eq!(state.no_path(&map, &Suspending(true)), NoPath::PushBack);
    assert_eq!(state.no_path(&map, &Suspending(false)), NoPath::Kill);
    let _ = state.presuspend_undone(&map);
    assert_eq!(state.no_path(&map, &Suspending(false)), NoPath::Kill);
}
