// SPDX-License-Identifier: GPL-2.0

//! Whatever happens to a map, in any order: no failed path is lent, the last good one is not lost,
//! and the counts agree.

use super::{group_of, index_of, info, map, path, send, table_of, System, TestMap, TestState};
use crate::multipath::map::{
    Blame, DhResult, Effects, Ended, GroupId, InFlight, IoctlPath, Pick, Probe,
};
use proptest::prelude::*;
use proptest::sample::Index;

#[derive(Clone, Debug)]
enum Event {
    Send(u32),
    /// A path is found and the I/O not sent.
    Drop(u32),
    End(Index, bool),
    TakeBack(Index),
    Fail(Index, Blame),
    Reinstate(Index),
    Switch(Index),
    Bypass(Index, bool),
    QueueIfNoPath(bool),
    Timeout,
    Suspend(bool),
    Resume,
    CalledOff,
    Ioctl,
    BeginProbe,
    EndProbe,
    Initialised(Index, i32),
    Offline(Index),
    Flush,
}

fn event() -> impl Strategy<Value = Event> {
    let index = || any::<Index>();
    let blame = prop::sample::select(vec![Blame::Io, Blame::Message]);
    let result = prop::sample::select(vec![0, 0, 0, 1, 2, 10, 11, 13, 14, 16]);
    prop_oneof![
        10 => (0u32..9000).prop_map(Event::Send),
        1 => (0u32..9000).prop_map(Event::Drop),
        8 => (index(), any::<bool>()).prop_map(|(io, error)| Event::End(io, error)),
        1 => index().prop_map(Event::TakeBack),
        4 => (index(), blame).prop_map(|(path, blame)| Event::Fail(path, blame)),
        3 => index().prop_map(Event::Reinstate),
        1 => index().prop_map(Event::Switch),
        2 => (index(), any::<bool>()).prop_map(|(group, set)| Event::Bypass(group, set)),
        1 => any::<bool>().prop_map(Event::QueueIfNoPath),
        1 => Just(Event::Timeout),
        1 => any::<bool>().prop_map(Event::Suspend),
        1 => Just(Event::Resume),
        1 => Just(Event::CalledOff),
        1 => Just(Event::Ioctl),
        1 => Just(Event::BeginProbe),
        1 => Just(Event::EndProbe),
        6 => (index(), result).prop_map(|(path, result)| Event::Initialised(path, result)),
        1 => index().prop_map(Event::Offline),
        1 => Just(Event::Flush),
    ]
}

fn table() -> impl Strategy<Value = (String, bool)> {
    let selector = prop::sample::select(vec![
        "round-robin 0",
        "queue-length 0",
        "service-time 0",
        "historical-service-time 0",
    ]);
    let groups = prop::collection::vec((selector, 1usize..5), 1..4);
    let features = prop::sample::select(vec![
        "0",
        "1 queue_if_no_path",
        "2 pg_init_retries 2",
        "2 path_deadline_msecs 1000",
    ]);
    (groups, features, any::<bool>()).prop_map(|(groups, features, has_handler)| {
        let mut minor = 0;
        let groups: Vec<String> = groups
            .iter()
            .map(|(selector, paths)| {
                let names: Vec<String> = (minor..minor + paths).map(|n| format!("8:{n}")).collect();
                minor += paths;
                format!("{selector} {paths} 0 {}", names.join(" "))
            })
            .collect();
        let handler = if has_handler { "1 alua" } else { "0" };
        let line = format!(
            "{features} {handler} {} 1 {}",
            groups.len(),
            groups.join(" ")
        );
        (line, has_handler)
    })
}

/// What must be true, kept beside the map.
struct Shadow {
    usable: Vec<bool>,
    failures: Vec<u32>,
    in_flight: Vec<u32>,
    /// Initialisations that were queued and have not ended.
    queued: Vec<usize>,
}

struct Test<'m> {
    map: &'m TestMap,
    state: TestState,
    system: System,
    shadow: Shadow,
    io: Vec<(InFlight, usize)>,
    is_probing: bool,
}

impl<'m> Test<'m> {
    fn new(map: &'m TestMap, state: TestState) -> Self {
        let paths = map.paths().count();
        Self {
            map,
            state,
            system: System::default(),
            shadow: Shadow {
                usable: vec![true; paths],
                failures: vec![0; paths],
                in_flight: vec![0; paths],
                queued: Vec::new(),
            },
            io: Vec::new(),
            is_probing: false,
        }
    }

    fn failed(&mut self, index: usize) {
        if std::mem::replace(&mut self.shadow.usable[index], false) {
            self.shadow.failures[index] += 1;
        }
    }

    /// Does what the effects ask for.
    fn apply(&mut self, effects: Effects) -> Result<(), TestCaseError> {
        let mut queued = Vec::new();
        while let Some(path) = self.state.next_to_initialise() {
            queued.push(index_of(self.map, path));
        }
        prop_assert!(queued.is_empty() || effects.initialise.is_some());
        self.shadow.queued.extend(queued);
        let is_initialising = !self.shadow.queued.is_empty();
        prop_assert_eq!(self.state.is_initialising(), is_initialising);
        if let Some(event) = effects.path {
            prop_assert_eq!(event.valid_paths, self.map.valid_paths());
            prop_assert!(effects.event);
        }
        Ok(())
    }

    fn send(&mut self, bytes: u32) -> Result<bool, TestCaseError> {
        if let Some(lent) = self.map.lend(&self.system, bytes) {
            return self.sent(lent.send());
        }
        match self.state.lend(self.map, &self.system, bytes) {
            Pick::Lent(lent) => {
                let in_flight = lent.send();
                self.sent(in_flight)
            }
            Pick::Wait(effects) => {
                // Not without a reason, and not without somebody to end it.
                prop_assert!(self.map.valid_paths() != 0);
                self.apply(effects)?;
                Ok(false)
            }
            Pick::NoPath => {
                prop_assert!(self.shadow.usable.iter().all(|usable| !usable));
                Ok(false)
            }
        }
    }

    fn sent(&mut self, in_flight: InFlight) -> Result<bool, TestCaseError> {
        let index = index_of(self.map, in_flight.path());
        prop_assert!(self.shadow.usable[index], "path {} has failed", index);
        self.shadow.in_flight[index] += 1;
        self.io.push((in_flight, index));
        Ok(true)
    }

    fn initialised(&mut self, nth: usize, result: DhResult) -> Result<(), TestCaseError> {
        let index = self.shadow.queued.swap_remove(nth);
        let id = path(self.map, index);
        let _ = self.state.start_activation(self.map, id);
        let before = self.map.is_usable(id);
        let effects = self.state.pg_init_done(self.map, id, result);
        if before && !self.map.is_usable(id) {
            prop_assert!(result != DhResult::Ok && result != DhResult::DevTempBusy);
            self.failed(index);
        }
        self.apply(effects)
    }

    fn event(&mut self, event: &Event) -> Result<(), TestCaseError> {
        let map = self.map;
        let paths = self.shadow.usable.len();
        let group = |index: &Index| {
            let number = index.index(map.nr_groups() as usize) as u32 + 1;
            GroupId::from_number(number).unwrap()
        };
        match event {
            Event::Send(bytes) => {
                self.send(*bytes)?;
            }
            Event::Drop(bytes) => {
                let lent = map.lend(&self.system, *bytes);
                if let Some(lent) = lent {
                    prop_assert!(self.shadow.usable[index_of(map, lent.path())]);
                }
            }
            Event::End(io, error) => {
                if !self.io.is_empty() {
                    let (in_flight, index) = self.io.swap_remove(io.index(self.io.len()));
                    self.shadow.in_flight[index] -= 1;
                    let ended = Ended {
                        start: Some(0),
                        error: *error,
                    };
                    map.end_io(in_flight, &self.system, ended);
                }
            }
            Event::TakeBack(io) => {
                if !self.io.is_empty() {
                    let (in_flight, index) = self.io.swap_remove(io.index(self.io.len()));
                    self.shadow.in_flight[index] -= 1;
                    map.take_back(in_flight);
                }
            }
            Event::Fail(index, blame) => {
                let index = index.index(paths);
                let effects = self.state.fail_path(map, path(map, index), *blame);
                prop_assert_eq!(effects.path.is_some(), self.shadow.usable[index]);
                self.failed(index);
                self.apply(effects)?;
            }
            Event::Reinstate(index) => {
                let index = index.index(paths);
                let effects = self.state.reinstate_path(map, path(map, index));
                prop_assert_eq!(effects.path.is_none(), self.shadow.usable[index]);
                self.shadow.usable[index] = true;
                self.apply(effects)?;
            }
            Event::Switch(index) => {
                let effects = self.state.switch_group(map, group(index));
                self.apply(effects)?;
            }
            Event::Bypass(index, bypassed) => {
                let effects = self.state.bypass_group(map, group(index), *bypassed);
                self.apply(effects)?;
            }
            Event::QueueIfNoPath(queue) => {
                let effects = self.state.set_queue_if_no_path(map, *queue);
                self.apply(effects)?;
            }
            Event::Timeout => {
                let effects = self.state.no_path_timeout(map);
                self.apply(effects)?;
            }
            Event::Suspend(noflush) => {
                let effects = self.state.presuspend(map, *noflush);
                self.apply(effects)?;
            }
            Event::Resume => {
                let effects = self.state.resume(map);
                self.apply(effects)?;
            }
            Event::CalledOff => {
                let effects = self.state.presuspend_undone(map);
                self.apply(effects)?;
            }
            Event::Ioctl => match self.state.prepare_ioctl(map, &self.system) {
                IoctlPath::Path(path) => {
                    prop_assert!(self.shadow.usable[index_of(map, path)]);
                }
                IoctlPath::None { effects, .. } => self.apply(effects)?,
            },
            Event::BeginProbe => {
                if let Probe::Group(group) = self.state.begin_probe(false, false) {
                    prop_assert_eq!(self.state.current(), Some(group));
                    self.is_probing = true;
                }
            }
            Event::EndProbe => {
                if std::mem::take(&mut self.is_probing) {
                    self.state.end_probe(map);
                }
            }
            Event::Initialised(nth, result) => {
                if !self.shadow.queued.is_empty() {
                    let nth = nth.index(self.shadow.queued.len());
                    self.initialised(nth, DhResult::from_i32(*result))?;
                }
            }
            Event::Offline(index) => {
                let index = index.index(paths);
                let effects = self.state.offline(map, path(map, index));
                self.failed(index);
                self.apply(effects)?;
            }
            Event::Flush => {
                if self.state.begin_flush() {
                    while !self.shadow.queued.is_empty() {
                        self.initialised(0, DhResult::Retry)?;
                    }
                    prop_assert!(!self.state.is_initialising());
                    self.state.end_flush();
                }
            }
        }
        self.check()
    }

    /// What must be true at any time.
    fn check(&self) -> Result<(), TestCaseError> {
        let map = self.map;
        let mut shown = String::new();
        for (index, (id, path)) in map.paths().enumerate() {
            let usable = self.shadow.usable[index];
            prop_assert_eq!(map.is_usable(id), usable);
            prop_assert_eq!(self.state.fail_count(id), self.shadow.failures[index]);
            prop_assert_eq!(
                path.stats().in_flight(),
                u64::from(self.shadow.in_flight[index])
            );
            let state = if usable { 'A' } else { 'F' };
            shown += &format!("8:{index} {state} {} ", self.shadow.failures[index]);
        }
        let valid = self.shadow.usable.iter().filter(|usable| **usable).count();
        prop_assert_eq!(map.valid_paths() as usize, valid);

        // The status says the same, path by path.
        let text = info(map, &self.state);
        let mut rest = text.as_str();
        for part in shown.split_inclusive("8:").filter(|part| part.len() > 2) {
            let part = part.trim_end_matches("8:");
            match rest.find(part) {
                Some(at) => rest = &rest[at + part.len()..],
                None => prop_assert!(false, "{} not in {}", part, text),
            }
        }
        // What is in flight, by the selectors that count it.
        let mut words = text.split(' ');
        for (index, in_flight) in self.shadow.in_flight.iter().enumerate() {
            let name = format!("8:{index}");
            let mut shown_path = words.by_ref().skip_while(|word| **word != name).skip(3);
            let group = map.group(group_of(map, path(map, index))).unwrap();
            if group.selector().kind().name() == "queue-length" {
                let count = in_flight.to_string();
                prop_assert_eq!(shown_path.next(), Some(count.as_str()));
            }
        }
        Ok(())
    }

    /// As long as there is a usable path, I/O finds one in the end.
    fn finish(&mut self, has_handler: bool) -> Result<(), TestCaseError> {
        for (in_flight, index) in std::mem::take(&mut self.io) {
            self.shadow.in_flight[index] -= 1;
            let ended = Ended {
                start: None,
                error: false,
            };
            self.map.end_io(in_flight, &self.system, ended);
        }
        for _ in 0..20 {
            while !self.shadow.queued.is_empty() {
                self.initialised(0, DhResult::Ok)?;
            }
            if self.send(512)? {
                return Ok(());
            }
            if self.map.valid_paths() == 0 {
                return Ok(());
            }
            prop_assert!(has_handler);
        }
        Err(TestCaseError::fail("no path for I/O, though one is usable"))
    }
}

/// The group that the C target would choose (`choose_pgpath`): the current one, the one that was
/// asked for, the first one that is not bypassed, the first one; each only with a usable path.
fn expected_group(map: &TestMap, state: &TestState, usable: &[bool]) -> Option<GroupId> {
    let has_path = |group: &GroupId| {
        map.group(*group)
            .is_some_and(|group| group.path_ids().any(|path| usable[index_of(map, path)]))
    };
    let groups: Vec<GroupId> = map.groups().map(|(group, _)| group).collect();
    let is_bypassed = |group: &GroupId| state.is_bypassed(*group);
    let in_order = groups.iter().copied().filter(|group| !is_bypassed(group));
    let bypassed = groups.iter().copied().filter(is_bypassed);
    let order = state.current().into_iter().chain(state.next());
    order.chain(in_order).chain(bypassed).find(has_path)
}

proptest! {
    #![proptest_config(super::super::config())]

    #[test]
    fn of_everything_that_can_happen(
        (line, has_handler) in table(),
        events in prop::collection::vec(event(), 0..120),
    ) {
        let (map, state) = map(&line);
        let mut test = Test::new(&map, state);
        for event in &events {
            test.event(event)?;
        }
        test.finish(has_handler)?;
        test.check()?;
        // And the map still says what it is.
        let shown = table_of(&map, &test.state);
        let (again, again_state) = super::map(&shown);
        prop_assert_eq!(table_of(&again, &again_state), shown);
    }

    #[test]
    fn the_group_is_the_one_that_the_c_target_chooses(
        (line, _) in table().prop_filter("handler", |(_, has_handler)| !has_handler),
        events in prop::collection::vec(event(), 0..80),
    ) {
        let (map, state) = map(&line);
        let mut test = Test::new(&map, state);
        for event in &events {
            test.event(event)?;
            let expected = expected_group(&map, &test.state, &test.shadow.usable);
            let chosen = send(&map, &mut test.state, &test.system, 512).map(|in_flight| {
                let group = group_of(&map, in_flight.path());
                map.take_back(in_flight);
                group
            });
            prop_assert_eq!(chosen, expected);
        }
    }
}

#[test]
fn while_paths_flap_on_other_threads() {
    let (map, state) = map("0 0 1 1 service-time 0 8 0 8:0 8:1 8:2 8:3 8:4 8:5 8:6 8:7");
    let state = std::sync::Mutex::new(state);
    let stop = std::sync::atomic::AtomicBool::new(false);
    let is_stopped = || stop.load(std::sync::atomic::Ordering::Relaxed);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let system = System::default();
                while !is_stopped() {
                    let lent = map.lend(&system, 4096).map(|lent| lent.send());
                    let in_flight =
                        lent.or_else(|| send(&map, &mut state.lock().unwrap(), &system, 4096));
                    // One path is always good.
                    let in_flight = in_flight.expect("the last good path is lost");
                    let ended = Ended {
                        start: None,
                        error: false,
                    };
                    map.end_io(in_flight, &system, ended);
                }
            });
        }
        let system = System::default();
        for round in 0..3000usize {
            let id = path(&map, 1 + round % 7);
            let mut locked = state.lock().unwrap();
            let _ = locked.fail_path(&map, id, Blame::Io);
            drop(locked);
            for _ in 0..4 {
                if let Some(lent) = map.lend(&system, 512) {
                    assert_ne!(lent.path(), id, "lent after it failed");
                }
            }
            if round >= 3 {
                let _ = state
                    .lock()
                    .unwrap()
                    .reinstate_path(&map, path(&map, 1 + (round - 3) % 7));
            }
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    for (_, path) in map.paths() {
        assert_eq!(path.stats().in_flight(), 0);
    }
    // Loads are back at zero.
    let text = info(&map, &state.into_inner().unwrap());
    let (_, paths) = text.split_once(" 8 2 ").unwrap();
    assert_eq!(paths.matches(" 0 1 ").count(), 8, "{text}");
}
