// SPDX-License-Identifier: GPL-2.0

//! I/O that a path holds: noticed in time, and never sent again where that could do harm.

use super::{map, path, send, Suspending, System, TestMap, TestState};
use crate::multipath::block_status::{BioEnd, PathVerdict, RequestEnd};
use crate::multipath::held;
use crate::multipath::map::{Blame, Ended, InFlight, PathId};
use crate::multipath::BlockStatus;
use proptest::prelude::*;

const DONE: Ended = Ended {
    start: None,
    error: false,
};

#[test]
fn a_held_io_is_noticed_after_its_deadline_and_not_before() {
    let (map, mut state) = map("2 path_deadline_msecs 1000 0 1 1 round-robin 0 2 0 8:0 8:1");
    let system = System::default();
    let slice = held::slice_msecs(1000);
    assert_eq!(slice, 250);
    let held = send(&map, &mut state, &system, 512).unwrap();
    let watch = map.path(held.path()).unwrap().watch();
    // It may have been sent at the end of its slice.
    let mut whole_msecs = 0;
    let noticed = loop {
        let now = map.next_slice();
        if watch.is_overdue(now) {
            break now;
        }
        // Other I/O comes and goes on both paths.
        for _ in 0..5 {
            let io = send(&map, &mut state, &system, 512).unwrap();
            map.end_io(io, &system, DONE);
        }
        whole_msecs += slice;
    };
    assert!(
        (1000..=1250).contains(&whole_msecs),
        "{whole_msecs} in slice {noticed}"
    );
    let other = map.path(path(&map, 1)).unwrap().watch();
    assert!(!other.is_overdue(noticed));
    map.end_io(held, &system, DONE);
    assert!(!watch.is_overdue(noticed));
}

#[test]
fn without_a_deadline_nothing_is_watched() {
    let (map, mut state) = map("0 0 1 1 round-robin 0 1 0 8:0");
    let held = send(&map, &mut state, &System::default(), 512).unwrap();
    let watch = map.path(held.path()).unwrap().watch();
    assert!((0..20).all(|_| !watch.is_overdue(map.next_slice())));
}

/// A command that a device has. It may be carried out at any time until it has ended.
struct Command {
    in_flight: InFlight,
    sector: usize,
    version: u32,
}

/// A sector, and who writes to it: the next version when the last one has ended, well or not.
#[derive(Clone, Copy, Default)]
struct Sector {
    /// The version on the medium.
    medium: u32,
    /// The newest version that was issued.
    issued: u32,
    /// It has not ended for its writer.
    outstanding: bool,
    /// It waits for a path.
    waits: bool,
    /// The newest version that its writer knows to be written.
    acknowledged: u32,
}

const SECTORS: usize = 3;

struct World<'m> {
    map: &'m TestMap,
    state: TestState,
    system: System,
    takes_bios: bool,
    sectors: [Sector; SECTORS],
    commands: Vec<Command>,
}

impl World<'_> {
    fn issue(&mut self, sector: usize) {
        let sector = &mut self.sectors[sector];
        if !sector.outstanding {
            sector.issued += 1;
            sector.outstanding = true;
            sector.waits = true;
        }
    }

    /// Sends what waits, as far as there are paths.
    fn send(&mut self) {
        for sector in 0..SECTORS {
            if !self.sectors[sector].waits {
                continue;
            }
            if let Some(in_flight) = send(self.map, &mut self.state, &self.system, 512) {
                self.sectors[sector].waits = false;
                let version = self.sectors[sector].issued;
                self.commands.push(Command {
                    in_flight,
                    sector,
                    version,
                });
            }
        }
    }

    /// A command is carried out: it lands, on the medium or in its issuer's memory.
    fn land(&mut self, command: usize) -> Result<(), TestCaseError> {
        let Command {
            sector, version, ..
        } = self.commands[command];
        let sector = &mut self.sectors[sector];
        prop_assert!(sector.outstanding, "it lands in memory that was given back");
        prop_assert!(
            version >= sector.medium && version >= sector.acknowledged,
            "version {} lands over {}",
            version,
            sector.medium
        );
        sector.medium = version;
        Ok(())
    }

    /// A command has ended, and does nothing any more; the target decides what that means.
    fn end(&mut self, command: usize, status: BlockStatus) {
        let Command {
            in_flight, sector, ..
        } = self.commands.remove(command);
        if PathVerdict::of(status) == PathVerdict::Fail {
            let _ = self.state.fail_path(self.map, in_flight.path(), Blame::Io);
        }
        let remaining = self.state.remaining(self.map, &Suspending(false));
        let again = if self.takes_bios {
            match BioEnd::new(status, remaining) {
                BioEnd::Queue | BioEnd::Requeue => true,
                BioEnd::Done | BioEnd::DoneWithError => false,
            }
        } else {
            match RequestEnd::new(status, remaining) {
                RequestEnd::Requeue | RequestEnd::DelayRequeue => true,
                RequestEnd::Done => false,
            }
        };
        let error = status != BlockStatus::Ok;
        self.map
            .end_io(in_flight, &self.system, Ended { start: None, error });
        let sector = &mut self.sectors[sector];
        sector.waits = again;
        sector.outstanding = again;
        if !error {
            sector.acknowledged = sector.issued;
        }
    }

    /// What the target does when a slice of time begins. Returns how many paths it failed.
    fn watch(&mut self) -> usize {
        let slice = self.map.next_slice();
        let is_late = |path: &PathId| {
            let path = self.map.path(*path).unwrap();
            path.watch().is_overdue(slice)
        };
        let paths = self.map.paths().map(|(id, _)| id);
        let late: Vec<PathId> = paths
            .filter(|id| self.map.is_usable(*id) && is_late(id))
            .collect();
        for path in &late {
            let _ = self.state.fail_path(self.map, *path, Blame::Io);
        }
        late.len()
    }
}

#[derive(Clone, Debug)]
enum Event {
    Issue(usize),
    Slice,
    Reinstate(prop::sample::Index),
    Land(prop::sample::Index),
    Done(prop::sample::Index),
    /// The command ends with an error. Whether it was carried out before, nobody knows.
    Error(prop::sample::Index, BlockStatus),
}

fn event() -> impl Strategy<Value = Event> {
    let index = || any::<prop::sample::Index>();
    let error = prop::sample::select(vec![
        // Aborted, reset, gone with its device; refused by the device on every path.
        BlockStatus::IoError,
        BlockStatus::Timeout,
        BlockStatus::Transport,
        BlockStatus::Offline,
        BlockStatus::Resource,
        BlockStatus::Target,
        BlockStatus::Medium,
    ]);
    prop_oneof![
        4 => (0..SECTORS).prop_map(Event::Issue),
        6 => Just(Event::Slice),
        2 => index().prop_map(Event::Reinstate),
        3 => index().prop_map(Event::Land),
        2 => index().prop_map(Event::Done),
        2 => (index(), error).prop_map(|(index, error)| Event::Error(index, error)),
    ]
}

proptest! {
    #![proptest_config(super::super::config())]

    /// However long paths hold commands and whenever these land: an I/O has one command at a time, no
    /// write lands over a newer one, nothing lands in memory that was given back, a failed path gets
    /// nothing, and all I/O ends in the end.
    #[test]
    fn nothing_lands_where_it_does_harm(
        takes_bios in any::<bool>(),
        queue_if_no_path in any::<bool>(),
        events in prop::collection::vec(event(), 1..160),
    ) {
        let features = match (queue_if_no_path, takes_bios) {
            (false, false) => "2",
            (true, false) => "3 queue_if_no_path",
            (false, true) => "4 queue_mode bio",
            (true, true) => "5 queue_if_no_path queue_mode bio",
        };
        let (map, state) = map(&format!(
            "{features} path_deadline_msecs 1000 0 1 1 round-robin 0 3 0 8:0 8:1 8:2"
        ));
        let mut world = World {
            map: &map,
            state,
            system: System::default(),
            takes_bios,
            sectors: [Sector::default(); SECTORS],
            commands: Vec::new(),
        };
        for event in events {
            let count = world.commands.len();
            let command = |index: prop::sample::Index| (count != 0).then(|| index.index(count));
            match event {
                Event::Issue(sector) => world.issue(sector),
                Event::Slice => {
                    world.watch();
                }
                Event::Reinstate(index) => {
                    let path = path(&map, index.index(3));
                    let _ = world.state.reinstate_path(&map, path);
                }
                Event::Land(index) => {
                    if let Some(command) = command(index) {
                        world.land(command)?;
                    }
                }
                Event::Done(index) => {
                    if let Some(command) = command(index) {
                        world.land(command)?;
                        world.end(command, BlockStatus::Ok);
                    }
                }
                Event::Error(index, error) => {
                    if let Some(command) = command(index) {
                        world.end(command, error);
                    }
                }
            }
            let before = world.commands.len();
            world.send();
            for command in &world.commands[before..] {
                prop_assert!(map.is_usable(command.in_flight.path()));
            }
            for sector in 0..SECTORS {
                let of = world.commands.iter().filter(|command| command.sector == sector);
                let state = world.sectors[sector];
                prop_assert_eq!(of.count(), usize::from(state.outstanding && !state.waits));
            }
        }
        // The paths return, and the devices answer at last.
        for index in 0..3 {
            let _ = world.state.reinstate_path(&map, path(&map, index));
        }
        world.send();
        while !world.commands.is_empty() {
            world.land(0)?;
            world.end(0, BlockStatus::Ok);
        }
        for sector in world.sectors {
            prop_assert!(!sector.outstanding);
            prop_assert!(sector.medium >= sector.acknowledged);
        }
    }
}
