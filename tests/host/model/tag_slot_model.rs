// SPDX-License-Identifier: GPL-2.0

//! Interrupt, abort, reset sweep and re-arm at the same tag.

use crate::generation::Generation;
use crate::tag_slot::TagSlot;
use crate::Guarded;
use loom::sync::Arc;
use loom::thread;
use std::ptr::NonNull;

/// A slot, the memory that hardware reads for its tag, and the commands that take turns in it.
#[derive(Clone)]
struct Tag {
    slot: Arc<TagSlot>,
    frame: Arc<Guarded>,
    commands: Arc<[Guarded; 2]>,
}

impl Tag {
    fn new() -> Self {
        Self {
            slot: Arc::new(TagSlot::new()),
            frame: Arc::new(Guarded::default()),
            commands: Arc::new(Default::default()),
        }
    }

    /// Prepares a command, claims the slot, writes the tag's memory and puts the command into the slot.
    fn arm(&self, command: usize) -> Option<Generation> {
        self.commands[command].set(1);
        let generation = self.slot.reserve()?;
        self.frame.set(generation.as_u32());
        let payload = NonNull::from(&self.commands[command]).cast();
        self.slot.publish(generation, payload);
        Some(generation)
    }

    /// Which command it is; completing it must not race with its preparation.
    fn complete(&self, taken: NonNull<()>) -> usize {
        let command = (0..2)
            .find(|&command| NonNull::from(&self.commands[command]).cast() == taken)
            .expect("a payload that was armed");
        assert_eq!(self.commands[command].get(), 1, "command {command} twice");
        self.commands[command].set(2);
        command
    }

    fn take(&self, generation: Generation) -> Option<usize> {
        self.slot.take(generation).map(|taken| self.complete(taken))
    }

    /// Claims the slot, writes the tag's memory and gives the slot back.
    fn cancel(&self) -> bool {
        let Some(generation) = self.slot.reserve() else {
            return false;
        };
        self.frame.set(generation.as_u32());
        self.slot.cancel(generation);
        true
    }

    fn take_current(&self) -> Option<usize> {
        self.take(self.slot.generation_if_busy()?)
    }
}

#[test]
fn interrupt_abort_and_sweep_one_of_them_takes() {
    loom::model(|| {
        let tag = Tag::new();
        let generation = tag.arm(0).unwrap();

        let interrupt = thread::spawn({
            let tag = tag.clone();
            move || tag.take(generation)
        });
        let abort = thread::spawn({
            let tag = tag.clone();
            move || tag.take(generation)
        });
        let swept = tag.take_current();

        let takers = [interrupt.join().unwrap(), abort.join().unwrap(), swept];
        assert_eq!(takers.iter().flatten().count(), 1);
        assert!(tag.arm(1).is_some(), "the slot is free again");
    });
}

#[test]
fn the_taker_sees_what_was_prepared() {
    loom::model(|| {
        let tag = Tag::new();
        let interrupt = thread::spawn({
            let tag = tag.clone();
            // The generation that hardware would have got.
            move || tag.take(Generation::UNUSED.next())
        });
        let sweep = thread::spawn({
            let tag = tag.clone();
            move || tag.take_current()
        });
        assert!(tag.arm(0).is_some());

        let takers = [interrupt.join().unwrap(), sweep.join().unwrap()];
        let left = tag.take_current();
        assert_eq!(takers.iter().chain([&left]).flatten().count(), 1);
    });
}

#[test]
fn whoever_reads_the_generation_sees_the_command_and_can_take_it() {
    loom::model(|| {
        let tag = Tag::new();
        let abort = thread::spawn({
            let tag = tag.clone();
            move || {
                let seen = tag.slot.generation_if_busy()?;
                assert_eq!(tag.commands[0].get(), 1);
                Some(tag.take(seen))
            }
        });
        assert!(tag.arm(0).is_some());
        if let Some(taken) = abort.join().unwrap() {
            assert_eq!(taken, Some(0));
        }
    });
}

#[test]
fn the_memory_of_a_tag_is_written_by_who_has_reserved_it() {
    loom::model(|| {
        let tag = Tag::new();
        let other = thread::spawn({
            let tag = tag.clone();
            move || tag.arm(1)
        });
        // A sweep finds nothing in a slot that is only reserved.
        let cancelled = tag.cancel();
        let swept = tag.take_current();
        let armed = other.join().unwrap();

        assert!(cancelled || armed.is_some());
        if let Some(generation) = armed {
            let left = tag.take(generation);
            assert_eq!([swept, left].iter().flatten().count(), 1);
            assert!(tag.cancel());
        }
    });
}

#[test]
fn an_answer_to_the_first_use_never_takes_the_second() {
    loom::model(|| {
        let tag = Tag::new();
        let first = tag.arm(0).unwrap();

        let stale = thread::spawn({
            let tag = tag.clone();
            move || tag.take(first)
        });
        // The interrupt completes the first command and the tag is used again at once, unless the
        // other thread was faster.
        let interrupt = tag.take(first);
        let second = tag.arm(1);
        let stale = stale.join().unwrap();

        assert_ne!(stale, Some(1));
        assert_eq!([interrupt, stale].iter().flatten().count(), 1);
        if let Some(second) = second {
            assert_eq!(tag.take(first), None);
            assert_eq!(tag.take(second), Some(1));
        } else {
            // Only while the other thread was taking the first one.
            assert_eq!(stale, Some(0));
        }
    });
}

#[test]
fn a_sweep_while_the_tag_is_used_again() {
    loom::model(|| {
        let tag = Tag::new();
        let first = tag.arm(0).unwrap();

        let sweep = thread::spawn({
            let tag = tag.clone();
            move || tag.take_current()
        });
        let interrupt = tag.take(first);
        let second = tag.arm(1);

        let sweep = sweep.join().unwrap();
        let left = tag.take_current();
        assert_each_taken_once(&[interrupt, sweep, left], second);
    });
}

#[test]
fn a_sweep_and_an_abort_while_the_tag_is_used_again() {
    // Three threads have too many interleavings: these are the ones in which threads are
    // interrupted three times at most.
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(|| {
        let tag = Tag::new();
        let first = tag.arm(0).unwrap();

        let abort = thread::spawn({
            let tag = tag.clone();
            move || tag.take(first)
        });
        let sweep = thread::spawn({
            let tag = tag.clone();
            move || tag.take_current()
        });
        let interrupt = tag.take(first);
        let second = tag.arm(1);

        let abort = abort.join().unwrap();
        let sweep = sweep.join().unwrap();
        let left = tag.take_current();
        assert_ne!(abort, Some(1));
        assert_each_taken_once(&[interrupt, abort, sweep, left], second);
    });
}

/// Command 0 was taken by one of them, and so was command 1 if it was armed.
fn assert_each_taken_once(takers: &[Option<usize>], second: Option<Generation>) {
    let takes = |command| {
        takers
            .iter()
            .filter(|taken| **taken == Some(command))
            .count()
    };
    assert_eq!(takes(0), 1);
    assert_eq!(takes(1), usize::from(second.is_some()));
}

#[test]
fn two_commands_do_not_share_a_slot() {
    loom::model(|| {
        let tag = Tag::new();
        let other = thread::spawn({
            let tag = tag.clone();
            move || tag.arm(1)
        });
        let one = tag.arm(0);
        let other = other.join().unwrap();

        match (one, other) {
            (Some(generation), None) => assert_eq!(tag.take(generation), Some(0)),
            (None, Some(generation)) => assert_eq!(tag.take(generation), Some(1)),
            both => panic!("{both:?}"),
        }
    });
}
