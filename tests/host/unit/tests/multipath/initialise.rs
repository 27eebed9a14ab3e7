// SPDX-License-Identifier: GPL-2.0

//! Groups that a hardware handler has to initialise, ioctls, probes, suspension.

use super::{info, map, path, send, table_of, Suspending, System, TestMap, TestState};
use crate::multipath::errno::Errno;
use crate::multipath::map::{
    Activation, Blame, DhResult, Effects, GroupId, IoctlPath, NoPath, PathChange, PathEvent, Pick,
    Probe, TimerChange,
};

const TWO_GROUPS: &str = "1 alua 2 1 round-robin 0 2 0 8:0 8:1 round-robin 0 1 0 8:2";

/// Asks for a path that there is not yet.
fn wait(map: &TestMap, state: &mut TestState) -> Effects {
    match state.lend(map, &System::default(), 512) {
        Pick::Wait(effects) => effects,
        Pick::Lent(lent) => panic!("lent {:?}", lent.path()),
        Pick::NoPath => panic!("no path"),
    }
}

/// Queues what is to be initialised.
fn queue(state: &mut TestState) -> usize {
    std::iter::from_fn(|| state.next_to_initialise()).count()
}

fn done(map: &TestMap, state: &mut TestState, index: usize, result: DhResult) -> Effects {
    let _ = state.start_activation(map, path(map, index));
    state.pg_init_done(map, path(map, index), result)
}

#[test]
fn io_waits_until_every_path_is_initialised() {
    let (map, mut state) = map(&format!("0 {TWO_GROUPS}"));
    assert_eq!(wait(&map, &mut state).initialise, Some(0));
    assert_eq!(queue(&mut state), 2);
    // Nothing is started twice.
    assert_eq!(wait(&map, &mut state), Effects::default());
    assert_eq!(queue(&mut state), 0);
    assert_eq!(map.busy(|_| false), Some(true));
    assert!(info(&map, &state).starts_with("2 1 1 0 2 1 A "));

    let first = path(&map, 0);
    assert_eq!(state.start_activation(&map, first), Activation::Activate);
    assert_eq!(
        state.pg_init_done(&map, first, DhResult::Ok),
        Effects::default()
    );
    assert!(map.lend(&System::default(), 512).is_none());
    let effects = done(&map, &mut state, 1, DhResult::Ok);
    assert!(effects.process_queued && effects.wake_waiters);
    assert!(map.lend(&System::default(), 512).is_some());
    assert_eq!(map.busy(|_| true), Some(true));
    assert_eq!(map.busy(|disk| disk.name == "8:0"), Some(false));
    assert!(info(&map, &state).starts_with("2 0 1 0 2 1 A "));
}

#[test]
fn retries_are_counted_and_delayed() {
    let table = format!("4 pg_init_retries 2 pg_init_delay_msecs 70 {TWO_GROUPS}");
    for (result, delay) in [
        (DhResult::Retry, 70),
        (DhResult::ImmRetry, 0),
        (DhResult::ResTempUnavail, 0),
    ] {
        let (map, mut state) = map(&table);
        let _ = state.fail_path(&map, path(&map, 1), Blame::Io);
        assert_eq!(wait(&map, &mut state).initialise, Some(0));
        for _ in 0..2 {
            assert_eq!(queue(&mut state), 1);
            let effects = done(&map, &mut state, 0, result);
            assert_eq!(effects.initialise, Some(delay), "{result:?}");
            assert!(map.is_usable(path(&map, 0)));
        }
        assert_eq!(queue(&mut state), 1);
        // Once more than the table allows.
        let effects = done(&map, &mut state, 0, result);
        assert_eq!(
            effects.path.map(|event| event.change),
            Some(PathChange::Failed)
        );
        assert!(!map.is_usable(path(&map, 0)));
        // The other group is next.
        let _ = wait(&map, &mut state);
        assert!(info(&map, &state).contains(" 2 2 E "));
    }
}

#[test]
fn a_busy_controller_has_its_group_bypassed() {
    let (map, mut state) = map(&format!("0 {TWO_GROUPS}"));
    let _ = wait(&map, &mut state);
    assert_eq!(queue(&mut state), 2);
    let _ = done(&map, &mut state, 0, DhResult::DevTempBusy);
    let _ = done(&map, &mut state, 1, DhResult::DevTempBusy);
    assert_eq!(map.valid_paths(), 3);
    assert_eq!(wait(&map, &mut state).initialise, Some(0));
    assert!(info(&map, &state).contains(" 2 2 D "));
    assert_eq!(queue(&mut state), 1);
    // That one fails: the bypassed one is used, after the delay that the table does not set.
    let _ = done(&map, &mut state, 2, DhResult::Other(8));
    assert_eq!(wait(&map, &mut state).initialise, Some(2000));
    assert_eq!(queue(&mut state), 2);
    let _ = done(&map, &mut state, 0, DhResult::Ok);
    let _ = done(&map, &mut state, 1, DhResult::Ok);
    // It works: it is not bypassed any more.
    assert!(info(&map, &state).contains(" 2 1 A "));
}

#[test]
fn what_a_result_does_to_the_path() {
    for (value, fails) in [
        (0, false),
        (1, true),
        (2, false),
        (3, true),
        (5, true),
        (8, true),
        (12, true),
        (14, true),
        (15, true),
        (16, true),
        (-5, true),
    ] {
        let (map, mut state) = map(&format!("0 {TWO_GROUPS}"));
        let _ = wait(&map, &mut state);
        let _ = queue(&mut state);
        let _ = done(&map, &mut state, 0, DhResult::from_i32(value));
        assert_eq!(map.is_usable(path(&map, 0)), !fails, "{value}");
        assert_eq!(DhResult::from_i32(value).as_i32(), value);
    }
}

#[test]
fn a_failed_path_is_not_activated() {
    let (map, mut state) = map(&format!("0 {TWO_GROUPS}"));
    let _ = wait(&map, &mut state);
    let _ = queue(&mut state);
    let first = path(&map, 0);
    let _ = state.fail_path(&map, first, Blame::Io);
    assert_eq!(state.start_activation(&map, first), Activation::Offline);
    let _ = state.pg_init_done(&map, first, DhResult::DevOfflined);
    let _ = done(&map, &mut state, 1, DhResult::Ok);
    assert_eq!(state.fail_count(first), 1);
    let system = System::default();
    assert_eq!(
        send(&map, &mut state, &system, 512).unwrap().path(),
        path(&map, 1)
    );

    // Reinstated into the current group, it is initialised by itself.
    let effects = state.reinstate_path(&map, first);
    assert_eq!(effects.initialise, Some(0));
    assert_eq!(queue(&mut state), 1);
    let event = PathEvent {
        path: first,
        change: PathChange::Reinstated,
        valid_paths: 3,
    };
    assert_eq!(effects.path, Some(event));
    let _ = done(&map, &mut state, 0, DhResult::Ok);
    assert!(!state.is_initialising());
}

#[test]
fn a_dying_queue_fails_its_path() {
    let (map, mut state) = map("0 0 1 1 round-robin 0 2 0 8:0 8:1");
    assert!(send(&map, &mut state, &System::default(), 512).is_some());
    let effects = state.offline(&map, path(&map, 0));
    assert!(effects.event && effects.process_queued);
    assert!(!state.is_initialising());
    assert_eq!(map.valid_paths(), 1);
}

#[test]
fn a_flush_ends_initialisation() {
    let (map, mut state) = map(&format!("2 pg_init_retries 50 {TWO_GROUPS}"));
    assert!(!state.begin_flush());
    let _ = wait(&map, &mut state);
    let _ = queue(&mut state);
    assert!(state.begin_flush());
    assert!(!state.begin_flush());
    let _ = done(&map, &mut state, 0, DhResult::Ok);
    // It would be tried again otherwise.
    let effects = done(&map, &mut state, 1, DhResult::Retry);
    assert!(effects.wake_waiters && effects.initialise.is_none());
    assert!(!state.is_initialising());
    state.end_flush();
}

#[test]
fn ioctls() {
    let system = System::default();
    let (map, mut state) = map("0 0 1 1 round-robin 0 2 0 8:0 8:1");
    let first = IoctlPath::Path(path(&map, 0));
    assert_eq!(state.prepare_ioctl(&map, &system), first);
    for index in 0..2 {
        let _ = state.fail_path(&map, path(&map, index), Blame::Io);
    }
    let errno = |state: &mut TestState| match state.prepare_ioctl(&map, &system) {
        IoctlPath::None { errno, effects } => (errno, effects.run_queue),
        IoctlPath::Path(path) => panic!("{path:?}"),
    };
    assert_eq!(errno(&mut state), (Errno::EIO, false));
    let _ = state.set_queue_if_no_path(&map, true);
    assert_eq!(errno(&mut state), (Errno::ENOTCONN, true));

    let (map, mut state) = super::map(&format!("0 {TWO_GROUPS}"));
    let IoctlPath::None { errno, effects } = state.prepare_ioctl(&map, &system) else {
        panic!("not initialised");
    };
    assert_eq!((errno, effects.initialise), (Errno::ENOTCONN, Some(0)));
}

#[test]
fn a_probe_keeps_its_group() {
    let (map, mut state) = map("0 0 2 1 round-robin 0 1 0 8:0 round-robin 0 1 0 8:1");
    let group = |number| GroupId::from_number(number).unwrap();
    let system = System::default();
    assert_eq!(state.begin_probe(false, false), Probe::Nothing);
    assert!(send(&map, &mut state, &system, 512).is_some());
    assert_eq!(state.begin_probe(false, true), Probe::Nothing);
    assert_eq!(state.begin_probe(false, false), Probe::Group(group(1)));
    assert_eq!(state.begin_probe(false, false), Probe::Wait);
    let _ = state.switch_group(&map, group(2));
    assert_eq!(state.current(), Some(group(1)));
    state.end_probe(&map);
    assert_eq!(state.current(), None);
    assert_eq!(
        send(&map, &mut state, &system, 512).unwrap().path(),
        path(&map, 1)
    );
    assert_eq!(state.begin_probe(true, false), Probe::Group(group(2)));
    state.end_probe(&map);
    assert_eq!(state.begin_probe(true, false), Probe::Nothing);
    assert_eq!(state.probe_result(&map), Ok(()));
    for index in 0..2 {
        let _ = state.fail_path(&map, path(&map, index), Blame::Io);
    }
    assert_eq!(state.probe_result(&map), Err(Errno::ENOTCONN));
}

#[test]
fn without_paths() {
    for (features, noflush, expected) in [
        ("0", false, NoPath::Kill),
        ("0", true, NoPath::Requeue),
        ("1 queue_if_no_path", false, NoPath::Requeue),
        ("2 queue_mode bio", false, NoPath::Kill),
        ("2 queue_mode bio", true, NoPath::PushBack),
        ("3 queue_mode bio queue_if_no_path", true, NoPath::Queue),
    ] {
        let (map, state) = map(&format!("{features} 0 0 0"));
        assert_eq!(
            state.no_path(&map, &Suspending(noflush)),
            expected,
            "{features}"
        );
    }
    let (rq, mut state) = map("1 queue_if_no_path 0 0 0");
    assert_eq!(state.started(&rq).timer, Some(TimerChange::Start));
    assert!(!state.busy(&rq, |_| false));
    let (bio, state) = map("3 queue_mode bio queue_if_no_path 0 0 0");
    assert!(state.busy(&bio, |_| false));
}

#[test]
fn suspending_saves_queue_if_no_path() {
    let (map, mut state) = map("1 queue_if_no_path 0 1 1 round-robin 0 1 0 8:0");
    let shown = |state: &TestState| table_of(&map, state).starts_with("1 queue_if_no_path ");
    assert_eq!(state.presuspend(&map, true), Effects::default());
    assert!(shown(&state));
    let effects = state.presuspend(&map, false);
    assert!(effects.run_queue && !shown(&state));
    // Twice, as when a suspension is tried again.
    assert!(state.presuspend(&map, false).save_lost);
    let _ = state.resume(&map);
    assert!(shown(&state));
    // A message that comes meanwhile counts.
    let _ = state.presuspend(&map, false);
    let _ = state.set_queue_if_no_path(&map, false);
    let _ = state.resume(&map);
    assert!(!shown(&state));
}
