// SPDX-License-Identifier: GPL-2.0

//! I/O that a path holds: noticed in time, and never sent again where that could do harm.

use super::{map, path, send, System};
use crate::multipath::held;
use crate::multipath::map::Ended;
use crate::multipath::resend::{Answer, Attempt, HeldIo, Operation, Step};
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

#[test]
fn a_held_read_goes_at_once_and_the_first_answer_counts() {
    let mut io = HeldIo::sent(Operation::ReadToOwnMemory);
    assert_eq!(io.deadline_passed(), Step::Send(Attempt::Second));
    assert_eq!(io.deadline_passed(), Step::Wait);
    let step = io.ended(Attempt::Second, Answer::Final);
    assert_eq!(step, Step::Complete(Attempt::Second));
    assert!(!io.is_released());
    assert_eq!(io.ended(Attempt::First, Answer::Final), Step::Wait);
    assert!(io.is_released());
}

#[test]
fn a_held_write_waits_for_the_end_of_its_command() {
    for (answer, step) in [
        (Answer::Dead, Step::Send(Attempt::First)),
        (Answer::PathError, Step::Send(Attempt::First)),
        (Answer::Final, Step::Complete(Attempt::First)),
    ] {
        let mut io = HeldIo::sent(Operation::Write);
        assert_eq!(io.deadline_passed(), Step::Wait);
        assert!(!io.is_complete());
        assert_eq!(io.ended(Attempt::First, answer), step);
    }
}

/// A command that a device has. It may be carried out at any time until it has ended.
#[derive(Debug)]
struct Command {
    io: usize,
    attempt: Attempt,
    version: u32,
}

/// One sector, who writes to it, and the devices that hold commands.
struct World {
    operation: Operation,
    ios: Vec<(HeldIo, u32)>,
    commands: Vec<Command>,
    /// The version on the medium.
    medium: u32,
    /// The newest version that its writer knows to be written.
    acknowledged: u32,
    /// Whose memory is given back: late data in it is corruption.
    given_back: Vec<usize>,
}

impl World {
    fn step(&mut self, io: usize, step: Step) {
        match step {
            Step::Wait => {}
            Step::Send(attempt) => {
                let version = self.ios[io].1;
                self.commands.push(Command {
                    io,
                    attempt,
                    version,
                });
            }
            Step::Complete(_) => {
                if self.operation == Operation::Write {
                    self.acknowledged = self.acknowledged.max(self.ios[io].1);
                }
                // The issuer has its memory back. Own memory is kept until it is released.
                if self.operation == Operation::ReadToIssuer {
                    self.given_back.push(io);
                }
            }
        }
    }

    /// Issues the next version, as its writer does after the last one was acknowledged.
    fn issue(&mut self) {
        if self.ios.last().is_some_and(|(io, _)| !io.is_complete()) {
            return;
        }
        let version = self.ios.len() as u32 + 1;
        self.ios.push((HeldIo::sent(self.operation), version));
        let io = self.ios.len() - 1;
        self.step(io, Step::Send(Attempt::First));
    }

    /// A command is carried out: it lands.
    fn land(&mut self, command: usize) -> Result<(), TestCaseError> {
        let Command { io, version, .. } = self.commands[command];
        match self.operation {
            Operation::Write => {
                prop_assert!(
                    version >= self.medium && version >= self.acknowledged,
                    "version {} lands over {}",
                    version,
                    self.medium
                );
                self.medium = version;
            }
            Operation::ReadToIssuer => prop_assert!(!self.given_back.contains(&io)),
            Operation::ReadToOwnMemory => prop_assert!(!self.ios[io].0.is_released()),
            Operation::Flush => {}
        }
        Ok(())
    }

    fn end(&mut self, command: usize, answer: Answer) {
        let Command { io, attempt, .. } = self.commands.remove(command);
        let step = self.ios[io].0.ended(attempt, answer);
        self.step(io, step);
    }
}

#[derive(Clone, Debug)]
enum Event {
    Issue,
    Deadline(prop::sample::Index),
    Land(prop::sample::Index),
    Done(prop::sample::Index),
    PathError(prop::sample::Index),
    /// The command does nothing any more; whether it did before nobody knows.
    Dead(prop::sample::Index),
}

fn event() -> impl Strategy<Value = Event> {
    let index = || any::<prop::sample::Index>();
    prop_oneof![
        3 => Just(Event::Issue),
        3 => index().prop_map(Event::Deadline),
        3 => index().prop_map(Event::Land),
        2 => index().prop_map(Event::Done),
        1 => index().prop_map(Event::PathError),
        1 => index().prop_map(Event::Dead),
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    prop::sample::select(vec![
        Operation::Write,
        Operation::Write,
        Operation::ReadToOwnMemory,
        Operation::ReadToIssuer,
        Operation::Flush,
    ])
}

proptest! {
    #![proptest_config(super::super::config())]

    /// Whatever is held and whenever it lands: no write lands over a newer one, no read lands in
    /// memory that was given back, and everything ends in the end.
    #[test]
    fn nothing_lands_where_it_does_harm(
        operation in operation(),
        events in prop::collection::vec(event(), 1..120),
    ) {
        let mut world = World {
            operation,
            ios: Vec::new(),
            commands: Vec::new(),
            medium: 0,
            acknowledged: 0,
            given_back: Vec::new(),
        };
        for event in events {
            let command = |index: prop::sample::Index| {
                (!world.commands.is_empty()).then(|| index.index(world.commands.len()))
            };
            match event {
                Event::Issue => world.issue(),
                Event::Deadline(index) => {
                    if !world.ios.is_empty() {
                        let io = index.index(world.ios.len());
                        let step = world.ios[io].0.deadline_passed();
                        world.step(io, step);
                    }
                }
                Event::Land(index) => {
                    if let Some(command) = command(index) {
                        world.land(command)?;
                    }
                }
                Event::Done(index) => {
                    if let Some(command) = command(index) {
                        world.land(command)?;
                        world.end(command, Answer::Final);
                    }
                }
                Event::PathError(index) => {
                    if let Some(command) = command(index) {
                        world.end(command, Answer::PathError);
                    }
                }
                Event::Dead(index) => {
                    if let Some(command) = command(index) {
                        world.end(command, Answer::Dead);
                    }
                }
            }
            if operation == Operation::Write {
                let last = world.ios.len().saturating_sub(1);
                prop_assert!(world.commands.iter().all(|command| command.io == last));
                prop_assert!(world.commands.len() <= 1);
            }
        }
        // The devices answer at last.
        while !world.commands.is_empty() {
            world.land(0)?;
            world.end(0, Answer::Final);
        }
        prop_assert!(world.ios.iter().all(|(io, _)| io.is_complete() && io.is_released()));
        if operation == Operation::Write {
            prop_assert_eq!(world.medium, world.ios.len() as u32);
        }
    }
}
