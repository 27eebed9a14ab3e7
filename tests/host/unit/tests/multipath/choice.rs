// SPDX-License-Identifier: GPL-2.0

//! The selectors choose as the C selectors do.

use super::reference::{self, Reference};
use super::{group, index_of, info, map, path, System, TestMap, TestState};
use crate::multipath::map::{Blame, Ended, InFlight, Lent, Pick};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Event {
    /// Sectors, and nanoseconds since the last event.
    Send(u32, u64),
    /// An I/O that finds a path and is then not sent.
    Cancel(u32),
    End(prop::sample::Index, u64),
    Fail(prop::sample::Index),
    Reinstate(prop::sample::Index),
}

fn events(with_failures: bool) -> impl Strategy<Value = Vec<Event>> {
    let index = || any::<prop::sample::Index>();
    let sectors = || prop_oneof![Just(8u32), 0u32..64, Just(2048u32)];
    let time = || prop_oneof![0u64..1000, 0u64..50_000_000, Just(0)];
    let failures = u32::from(with_failures);
    let event = prop_oneof![
        8 => (sectors(), time()).prop_map(|(sectors, time)| Event::Send(sectors, time)),
        1 => sectors().prop_map(Event::Cancel),
        6 => (index(), time()).prop_map(|(io, time)| Event::End(io, time)),
        1 => index().prop_map(Event::Fail),
        failures => index().prop_map(Event::Reinstate),
    ];
    prop::collection::vec(event, 0..150)
}

struct Run<'m> {
    map: &'m TestMap,
    state: TestState,
    system: System,
    in_flight: Vec<(InFlight, usize, u32, u64)>,
}

impl<'m> Run<'m> {
    fn lend(&mut self, bytes: u32) -> Option<Lent<'m, super::Host, super::Disk>> {
        let map = self.map;
        if let Some(lent) = map.lend(&self.system, bytes) {
            return Some(lent);
        }
        match self.state.lend(map, &self.system, bytes) {
            Pick::Lent(lent) => Some(lent),
            Pick::Wait(_) | Pick::NoPath => None,
        }
    }

    /// One event, on both sides.
    fn step<R: Reference>(
        &mut self,
        event: &Event,
        reference: &mut R,
        is_ambiguous: impl Fn(&R) -> bool,
    ) -> Result<bool, TestCaseError> {
        let paths = self.map.paths().count();
        match event {
            Event::Send(sectors, time) => {
                self.system.now.set(self.system.now.get() + time);
                let (bytes, now) = (sectors * 512, self.system.now.get());
                let expected = reference.select(bytes, now);
                let lent = self.lend(bytes);
                let chosen = lent.as_ref().map(|lent| index_of(self.map, lent.path()));
                if is_ambiguous(reference) && chosen != expected {
                    return Ok(false);
                }
                prop_assert_eq!(chosen, expected);
                if let (Some(lent), Some(path)) = (lent, chosen) {
                    self.in_flight.push((lent.send(), path, bytes, now));
                }
            }
            Event::Cancel(sectors) => {
                let (bytes, now) = (sectors * 512, self.system.now.get());
                let expected = reference.select(bytes, now);
                let chosen = self.lend(bytes).map(|lent| index_of(self.map, lent.path()));
                if is_ambiguous(reference) && chosen != expected {
                    return Ok(false);
                }
                prop_assert_eq!(chosen, expected);
                if let Some(path) = expected {
                    reference.cancel(path, bytes);
                }
            }
            Event::End(io, time) => {
                if self.in_flight.is_empty() {
                    return Ok(true);
                }
                self.system.now.set(self.system.now.get() + time);
                let now = self.system.now.get();
                let index = io.index(self.in_flight.len());
                let (io, path, bytes, start) = self.in_flight.swap_remove(index);
                let ended = Ended {
                    start: Some(start),
                    error: false,
                };
                self.map.end_io(io, &self.system, ended);
                reference.end(path, bytes, start, now);
            }
            Event::Fail(index) => {
                let index = index.index(paths);
                if self.map.is_usable(path(self.map, index)) {
                    let _ = self
                        .state
                        .fail_path(self.map, path(self.map, index), Blame::Io);
                    reference.fail(index);
                }
            }
            Event::Reinstate(index) => {
                let index = index.index(paths);
                if !self.map.is_usable(path(self.map, index)) {
                    let _ = self.state.reinstate_path(self.map, path(self.map, index));
                    reference.reinstate(index);
                }
            }
        }
        Ok(true)
    }
}

/// Runs the events on a map of one group and on the reference.
fn compare<R: Reference>(
    group: &str,
    events: &[Event],
    mut reference: R,
    is_ambiguous: impl Fn(&R) -> bool,
) -> Result<(), TestCaseError> {
    let (map, state) = map(&format!("0 0 1 1 {group}"));
    let mut run = Run {
        map: &map,
        state,
        system: System::default(),
        in_flight: Vec::new(),
    };
    for event in events {
        if !run.step(event, &mut reference, &is_ambiguous)? {
            return Ok(());
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(super::super::config())]

    #[test]
    fn queue_length(paths in 1usize..20, events in events(true)) {
        let group = group("queue-length 0", &vec!["1"; paths]);
        compare(&group, &events, reference::QueueLength::new(paths), |_| false)?;
    }

    #[test]
    fn service_time(
        throughput in prop_oneof![
            (1usize..20).prop_map(|paths| vec![1; paths]),
            prop::collection::vec(0u32..5, 1..20),
            prop::collection::vec(0u32..=100, 1..20),
        ],
        events in events(true),
    ) {
        let args: Vec<String> = throughput.iter().map(|value| format!("1 {value}")).collect();
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let group = group("service-time 0", &args);
        compare(&group, &events, reference::ServiceTime::new(&throughput), |_| false)?;
    }

    /// As long as no path comes back.
    #[test]
    fn round_robin(paths in 1usize..20, events in events(false)) {
        let group = group("round-robin 0", &vec!["1"; paths]);
        compare(&group, &events, reference::RoundRobin::new(paths), |_| false)?;
    }

    /// As long as the C comparison gives an order at all.
    #[test]
    fn historical_service_time(
        paths in 1usize..6,
        base in 0u32..1024,
        threshold in prop_oneof![Just(0u32), 0u32..4],
        events in events(true),
    ) {
        let selector = format!("historical-service-time 2 {base} {threshold}");
        let group = group(&selector, &vec!["1"; paths]);
        let reference = reference::HistoricalServiceTime::new(paths, base, threshold);
        compare(&group, &events, reference, |reference| reference.was_ambiguous)?;
    }

    /// A round has every usable path once, whatever happened before it.
    #[test]
    fn round_robin_is_fair(paths in 1usize..130, events in events(true)) {
        let (map, state) = map(&format!("0 0 1 1 {}", group("round-robin 0", &vec!["1"; paths])));
        let mut run = Run { map: &map, state, system: System::default(), in_flight: Vec::new() };
        for event in &events {
            match event {
                Event::Send(..) | Event::Cancel(_) => drop(run.lend(512)),
                Event::End(..) => {}
                Event::Fail(index) => {
                    let _ = run.state.fail_path(&map, path(&map, index.index(paths)), Blame::Io);
                }
                Event::Reinstate(index) => {
                    let _ = run.state.reinstate_path(&map, path(&map, index.index(paths)));
                }
            }
        }
        let valid = map.valid_paths() as usize;
        let mut round: Vec<usize> = (0..valid)
            .filter_map(|_| run.lend(512))
            .map(|lent| index_of(&map, lent.path()))
            .collect();
        round.sort_unstable();
        let usable: Vec<usize> = (0..paths).filter(|index| map.is_usable(path(&map, *index))).collect();
        prop_assert_eq!(round, usable);
    }

    /// The path of the CPU, else of its node, else any, in the order of the CPUs.
    #[test]
    fn io_affinity(
        masks in prop::collection::vec(any::<u64>(), 1..10),
        failed in any::<u64>(),
        cpus in prop::collection::vec(0u32..64, 1..20),
    ) {
        let mut path_of = [None; 64];
        let mut args = Vec::new();
        for (index, mask) in masks.iter().enumerate() {
            // Each path has a CPU that no other has; the first one to name a CPU gets it.
            let mask = (mask & !0x3ff) & (mask >> 7) | 1 << index;
            for (cpu, path) in path_of.iter_mut().enumerate() {
                if mask >> cpu & 1 != 0 && path.is_none() {
                    *path = Some(index);
                }
            }
            args.push(format!("{:x},{:08x}", mask >> 32, mask & 0xffff_ffff));
        }
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let (map, mut state) = map(&format!("0 0 1 1 {}", group("io-affinity 0", &args)));
        let is_usable = |index: usize| failed >> index & 1 == 0;
        for index in (0..masks.len()).filter(|index| !is_usable(*index)) {
            let _ = state.fail_path(&map, path(&map, index), Blame::Io);
        }
        let mut run = Run { map: &map, state, system: System::default(), in_flight: Vec::new() };
        let mut misses = 0;
        for cpu in cpus {
            let usable = |cpu: u32| path_of[cpu as usize].filter(|index| is_usable(*index));
            let node = if cpu < 32 { 0..32 } else { 32..64 };
            let expected = usable(cpu)
                .or_else(|| node.into_iter().find_map(usable))
                .or_else(|| (0..64).find_map(usable));
            run.system.cpu.set(cpu);
            if map.valid_paths() != 0 && path_of[cpu as usize].is_none() {
                misses += 1;
            }
            let chosen = run.lend(512).map(|lent| index_of(&map, lent.path()));
            prop_assert_eq!(chosen, expected);
        }
        let shown = format!(" {misses} ");
        prop_assert!(info(&map, &run.state).ends_with(&shown));
    }
}
