// SPDX-License-Identifier: GPL-2.0

//! Answer, timeout and reset at the same mailbox slot.

use crate::generation::Generation;
use crate::slot::{Answer, GaveUp, MailboxSlot, Released, Reply};
use crate::Guarded;
use loom::sync::Arc;
use loom::thread;

/// A slot, the command's memory that the firmware reads, and the reply that it writes.
#[derive(Clone)]
struct Mailbox {
    slot: Arc<MailboxSlot>,
    command: Arc<Guarded>,
    reply: Arc<Guarded>,
}

const REPLY: u32 = 0x5a;

/// The generation of the first command.
fn first() -> Generation {
    Generation::UNUSED.next()
}

impl Mailbox {
    fn new() -> Self {
        Self {
            slot: Arc::new(MailboxSlot::new()),
            command: Arc::default(),
            reply: Arc::default(),
        }
    }

    fn pending() -> Self {
        let mailbox = Self::new();
        let generation = mailbox.slot.arm().unwrap();
        assert_eq!(generation, first());
        assert!(mailbox.slot.post(generation));
        mailbox
    }

    fn polled() -> Self {
        let mailbox = Self::new();
        let generation = mailbox.slot.arm().unwrap();
        assert_eq!(generation, first());
        assert!(mailbox.slot.post_polled(generation));
        mailbox
    }

    /// The interrupt: the firmware's reply is in memory.
    fn answer(&self) -> Answer {
        self.slot.answer(first())
    }

    /// The waiter's end of a finished command.
    fn collect(&self, reply: Reply, written: bool) {
        match reply {
            Reply::Answered if written => assert_eq!(self.reply.get(), REPLY),
            Reply::Answered | Reply::Lost => (),
        }
        assert!(self.slot.collect(first()));
    }

    fn assert_free(&self) {
        assert!(self.slot.arm().is_some(), "the slot is free again");
    }
}

#[test]
fn an_answer_at_the_timeout_is_read_or_late() {
    loom::model(|| {
        let mailbox = Mailbox::pending();
        let firmware = thread::spawn({
            let mailbox = mailbox.clone();
            move || {
                mailbox.reply.set(REPLY);
                mailbox.answer()
            }
        });
        let gave_up = mailbox.slot.give_up(first());
        if let GaveUp::Finished(reply) = gave_up {
            mailbox.collect(reply, true);
        }
        match (gave_up, firmware.join().unwrap()) {
            (GaveUp::Finished(Reply::Answered), Answer::Wake) => (),
            (GaveUp::Quarantined, Answer::Returned) => (),
            other => panic!("{other:?}"),
        }
        mailbox.assert_free();
    });
}

#[test]
fn a_waiter_that_looks_sees_the_reply() {
    loom::model(|| {
        let mailbox = Mailbox::pending();
        let firmware = thread::spawn({
            let mailbox = mailbox.clone();
            move || {
                mailbox.reply.set(REPLY);
                assert_eq!(mailbox.answer(), Answer::Wake);
            }
        });
        if let Some(reply) = mailbox.slot.reply(first()) {
            assert_eq!(reply, Reply::Answered);
            mailbox.collect(reply, true);
        }
        firmware.join().unwrap();
    });
}

#[test]
fn nothing_is_answered_before_it_is_prepared() {
    loom::model(|| {
        let mailbox = Mailbox::new();
        let firmware = thread::spawn({
            let mailbox = mailbox.clone();
            move || {
                let answer = mailbox.answer();
                if answer == Answer::Wake {
                    assert_eq!(mailbox.command.get(), 1);
                }
                answer
            }
        });
        let generation = mailbox.slot.arm().unwrap();
        mailbox.command.set(1);
        assert!(mailbox.slot.post(generation));
        let answer = firmware.join().unwrap();
        assert_ne!(answer, Answer::Returned);
        let reply = mailbox.slot.reply(generation);
        assert_eq!(reply.is_some(), answer == Answer::Wake);
    });
}

#[test]
fn a_command_that_was_collected_leaves_its_memory_alone() {
    loom::model(|| {
        let mailbox = Mailbox::pending();
        mailbox.reply.set(REPLY);
        assert_eq!(mailbox.answer(), Answer::Wake);
        let next = thread::spawn({
            let mailbox = mailbox.clone();
            move || {
                // The next command may overwrite the reply: the waiter has read it.
                if mailbox.slot.arm().is_some() {
                    mailbox.reply.set(0);
                }
            }
        });
        mailbox.collect(Reply::Answered, true);
        next.join().unwrap();
    });
}

#[test]
fn answer_timeout_and_reset_end_the_command_once() {
    loom::model(|| {
        let mailbox = Mailbox::pending();
        let firmware = thread::spawn({
            let mailbox = mailbox.clone();
            move || mailbox.answer()
        });
        let reset = thread::spawn({
            let mailbox = mailbox.clone();
            move || mailbox.slot.release_after_reset()
        });
        let gave_up = mailbox.slot.give_up(first());
        let answer = firmware.join().unwrap();
        let released = reset.join().unwrap();

        match (gave_up, answer, released) {
            // The waiter has its reply; the reset came later.
            (GaveUp::Finished(reply @ Reply::Answered), Answer::Wake, Released::Nothing) => {
                mailbox.collect(reply, false);
            }
            // The reset was first; the answer found nobody.
            (GaveUp::Finished(reply @ Reply::Lost), Answer::Stale, Released::Woken(woken)) => {
                assert_eq!(woken, first());
                mailbox.collect(reply, false);
            }
            // The waiter had left: one of the others freed the slot.
            (GaveUp::Quarantined, Answer::Returned, Released::Nothing) => (),
            (GaveUp::Quarantined, Answer::Stale, Released::Freed) => (),
            other => panic!("{other:?}"),
        }
        mailbox.assert_free();
    });
}

#[test]
fn a_late_answer_never_finishes_the_next_command() {
    loom::model(|| {
        let mailbox = Mailbox::pending();
        assert_eq!(mailbox.slot.give_up(first()), GaveUp::Quarantined);

        let late = thread::spawn({
            let mailbox = mailbox.clone();
            move || mailbox.answer()
        });
        let released = mailbox.slot.release_after_reset();
        let second = mailbox.slot.arm().expect("free after the reset");
        assert_ne!(second, first());
        assert!(mailbox.slot.post(second));

        match (late.join().unwrap(), released) {
            (Answer::Returned, Released::Nothing) => (),
            (Answer::Stale, Released::Freed) => (),
            other => panic!("{other:?}"),
        }
        assert_eq!(mailbox.slot.reply(second), None);
        assert_eq!(mailbox.slot.answer(second), Answer::Wake);
    });
}

#[test]
fn a_quarantined_slot_is_freed_once_and_armed_after() {
    loom::model(|| {
        let mailbox = Mailbox::pending();
        assert_eq!(mailbox.slot.give_up(first()), GaveUp::Quarantined);

        let late = thread::spawn({
            let mailbox = mailbox.clone();
            move || mailbox.answer()
        });
        let sender = thread::spawn({
            let mailbox = mailbox.clone();
            move || mailbox.slot.arm()
        });
        let armed = sender.join().unwrap();
        // Nobody else frees it, so it was free only because of the answer.
        assert_eq!(late.join().unwrap(), Answer::Returned);
        if armed.is_none() {
            mailbox.assert_free();
        }
    });
}

#[test]
fn two_senders_do_not_share_a_slot() {
    loom::model(|| {
        let mailbox = Mailbox::new();
        let other = thread::spawn({
            let mailbox = mailbox.clone();
            move || mailbox.slot.arm()
        });
        let one = mailbox.slot.arm();
        let other = other.join().unwrap();
        assert!(one.is_some() != other.is_some());
    });
}

#[test]
fn two_resets_wake_a_waiter_once() {
    loom::model(|| {
        let mailbox = Mailbox::pending();
        let other = thread::spawn({
            let mailbox = mailbox.clone();
            move || mailbox.slot.release_after_reset()
        });
        let one = mailbox.slot.release_after_reset();
        let both = [one, other.join().unwrap()];
        assert!(both.contains(&Released::Woken(first())));
        assert!(both.contains(&Released::Nothing));
    });
}

#[test]
fn status_reset_and_a_post_end_a_polled_command_once() {
    loom::model(|| {
        let mailbox = Mailbox::polled();
        // Firmware that posts an answer although it was told not to.
        let firmware = thread::spawn({
            let mailbox = mailbox.clone();
            move || mailbox.answer()
        });
        let reset = thread::spawn({
            let mailbox = mailbox.clone();
            move || mailbox.slot.release_after_reset()
        });
        // The waiter sees the status.
        let finished = mailbox.slot.finish(first());
        let reply = mailbox.slot.reply(first());
        assert_eq!(firmware.join().unwrap(), Answer::Stale);
        match (finished, reply, reset.join().unwrap()) {
            (true, Some(Reply::Answered), Released::Nothing) => (),
            (false, Some(Reply::Lost), Released::Woken(woken)) => assert_eq!(woken, first()),
            other => panic!("{other:?}"),
        }
        assert!(mailbox.slot.collect(first()));
        mailbox.assert_free();
    });
}

#[test]
fn a_polled_command_without_status_is_quarantined_or_lost() {
    loom::model(|| {
        let mailbox = Mailbox::polled();
        let reset = thread::spawn({
            let mailbox = mailbox.clone();
            move || mailbox.slot.release_after_reset()
        });
        match (mailbox.slot.give_up(first()), reset.join().unwrap()) {
            (GaveUp::Quarantined, Released::Freed) => (),
            (GaveUp::Finished(reply @ Reply::Lost), Released::Woken(_)) => {
                mailbox.collect(reply, false);
            }
            other => panic!("{other:?}"),
        }
        mailbox.assert_free();
    });
}
