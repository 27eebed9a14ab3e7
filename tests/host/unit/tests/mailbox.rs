// SPDX-License-Identifier: GPL-2.0

use crate::generation::Generation;
use crate::slot::{Answer, GaveUp, MailboxSlot, Released, Reply};
use proptest::prelude::*;

fn pending() -> (MailboxSlot, Generation) {
    let slot = MailboxSlot::new();
    let generation = slot.arm().unwrap();
    assert!(slot.post(generation));
    (slot, generation)
}

#[test]
fn a_command_is_answered_and_collected() {
    let (slot, generation) = pending();
    assert_eq!(slot.reply(generation), None);
    assert!(!slot.collect(generation));
    assert_eq!(slot.answer(generation), Answer::Wake);
    assert_eq!(slot.reply(generation), Some(Reply::Answered));
    assert_eq!(slot.arm(), None);
    assert!(slot.collect(generation));
    assert!(!slot.collect(generation));
    assert_eq!(slot.arm(), Some(generation.next()));
}

#[test]
fn nothing_answers_before_it_was_posted() {
    let slot = MailboxSlot::new();
    let generation = slot.arm().unwrap();
    assert_eq!(slot.answer(generation), Answer::Stale);
    assert_eq!(slot.give_up(generation), GaveUp::Stale);
    assert_eq!(slot.release_after_reset(), Released::Nothing);
    assert!(slot.post(generation));
    assert!(!slot.post(generation));
    assert!(!slot.disarm(generation));
}

#[test]
fn a_second_answer_is_stale() {
    let (slot, generation) = pending();
    assert_eq!(slot.answer(generation), Answer::Wake);
    assert_eq!(slot.answer(generation), Answer::Stale);
    assert!(slot.collect(generation));
    assert_eq!(slot.answer(generation), Answer::Stale);
}

#[test]
fn a_late_answer_frees_the_slot_and_wakes_nobody() {
    let (slot, generation) = pending();
    assert_eq!(slot.give_up(generation), GaveUp::Quarantined);
    assert_eq!(slot.arm(), None);
    assert!(!slot.collect(generation));
    assert_eq!(slot.answer(generation), Answer::Returned);
    assert_eq!(slot.answer(generation), Answer::Stale);
    assert!(slot.arm().is_some());
}

#[test]
fn a_late_answer_cannot_finish_the_next_command() {
    let (slot, first) = pending();
    assert_eq!(slot.give_up(first), GaveUp::Quarantined);
    assert_eq!(slot.release_after_reset(), Released::Freed);
    let second = slot.arm().unwrap();
    assert!(slot.post(second));
    assert_eq!(slot.answer(first), Answer::Stale);
    assert_eq!(slot.reply(second), None);
    assert_eq!(slot.answer(second), Answer::Wake);
}

#[test]
fn a_reset_ends_the_wait_without_a_reply() {
    let (slot, generation) = pending();
    assert_eq!(slot.release_after_reset(), Released::Woken(generation));
    assert_eq!(slot.release_after_reset(), Released::Nothing);
    assert_eq!(slot.answer(generation), Answer::Stale);
    assert_eq!(slot.give_up(generation), GaveUp::Finished(Reply::Lost));
    assert_eq!(slot.reply(generation), Some(Reply::Lost));
    assert!(slot.collect(generation));
    assert!(slot.arm().is_some());
}

#[test]
fn a_reset_leaves_an_answer_alone() {
    let (slot, generation) = pending();
    assert_eq!(slot.answer(generation), Answer::Wake);
    assert_eq!(slot.release_after_reset(), Released::Nothing);
    assert_eq!(slot.give_up(generation), GaveUp::Finished(Reply::Answered));
}

fn polled() -> (MailboxSlot, Generation) {
    let slot = MailboxSlot::new();
    let generation = slot.arm().unwrap();
    assert!(slot.post_polled(generation));
    (slot, generation)
}

#[test]
fn a_polled_command_is_finished_by_its_waiter_alone() {
    let (slot, generation) = polled();
    // Firmware that posts an answer all the same, before the status and after it.
    assert_eq!(slot.answer(generation), Answer::Stale);
    assert_eq!(slot.reply(generation), None);
    assert!(slot.finish(generation));
    assert_eq!(slot.answer(generation), Answer::Stale);
    assert!(!slot.finish(generation));
    assert_eq!(slot.reply(generation), Some(Reply::Answered));
    assert!(slot.collect(generation));
    assert_eq!(slot.answer(generation), Answer::Stale);
    assert!(slot.arm().is_some());
}

#[test]
fn a_command_in_the_queue_is_not_finished_by_a_status() {
    let (slot, generation) = pending();
    assert!(!slot.finish(generation));
    assert_eq!(slot.reply(generation), None);
    assert_eq!(slot.answer(generation), Answer::Wake);
}

#[test]
fn a_polled_command_is_quarantined_as_any_other() {
    let (slot, generation) = polled();
    assert_eq!(slot.give_up(generation), GaveUp::Quarantined);
    assert_eq!(slot.arm(), None);
    assert!(!slot.finish(generation));
    assert_eq!(slot.release_after_reset(), Released::Freed);
    assert!(slot.arm().is_some());
}

#[test]
fn a_reset_ends_the_wait_for_a_polled_command() {
    let (slot, generation) = polled();
    assert_eq!(slot.release_after_reset(), Released::Woken(generation));
    assert!(!slot.finish(generation));
    assert_eq!(slot.give_up(generation), GaveUp::Finished(Reply::Lost));
    assert!(slot.collect(generation));
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum State {
    Idle,
    Armed,
    Pending,
    Polled,
    Answered,
    Lost,
    Quarantined,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Arm,
    Disarm(usize),
    Post(usize),
    PostPolled(usize),
    Finish(usize),
    Answer(usize),
    Collect(usize),
    GiveUp(usize),
    Reset,
}

fn step() -> impl Strategy<Value = Step> {
    // Mostly the current generation, sometimes an earlier one.
    let back = prop_oneof![4 => Just(0usize), 1 => 1usize..3];
    prop_oneof![
        2 => Just(Step::Arm),
        1 => back.clone().prop_map(Step::Disarm),
        2 => back.clone().prop_map(Step::Post),
        2 => back.clone().prop_map(Step::PostPolled),
        2 => back.clone().prop_map(Step::Finish),
        2 => back.clone().prop_map(Step::Answer),
        2 => back.clone().prop_map(Step::Collect),
        2 => back.prop_map(Step::GiveUp),
        1 => Just(Step::Reset),
    ]
}

proptest! {
    #![proptest_config(super::config())]

    /// Any sequence of calls, with current and with earlier generations, follows the state diagram.
    #[test]
    fn follows_the_diagram(steps in prop::collection::vec(step(), 0..80)) {
        use State::*;

        let slot = MailboxSlot::new();
        let mut state = Idle;
        let mut uses: Vec<Generation> = Vec::new();
        for step in steps {
            // The generation that a step names, and the state if that is the current one.
            let named = |back: usize| {
                let generation = uses.iter().rev().nth(back).copied();
                generation.map(|generation| (generation, (back == 0).then_some(state)))
            };
            match step {
                Step::Arm => {
                    let armed = slot.arm();
                    prop_assert_eq!(armed.is_some(), state == Idle);
                    if let Some(generation) = armed {
                        prop_assert!(!uses.contains(&generation));
                        uses.push(generation);
                        state = Armed;
                    }
                }
                Step::Disarm(back) => {
                    let Some((generation, now)) = named(back) else { continue };
                    prop_assert_eq!(slot.disarm(generation), now == Some(Armed));
                    if now == Some(Armed) {
                        state = Idle;
                    }
                }
                Step::Post(back) => {
                    let Some((generation, now)) = named(back) else { continue };
                    prop_assert_eq!(slot.post(generation), now == Some(Armed));
                    if now == Some(Armed) {
                        state = Pending;
                    }
                }
                Step::PostPolled(back) => {
                    let Some((generation, now)) = named(back) else { continue };
                    prop_assert_eq!(slot.post_polled(generation), now == Some(Armed));
                    if now == Some(Armed) {
                        state = Polled;
                    }
                }
                Step::Finish(back) => {
                    let Some((generation, now)) = named(back) else { continue };
                    prop_assert_eq!(slot.finish(generation), now == Some(Polled));
                    if now == Some(Polled) {
                        state = Answered;
                    }
                }
                Step::Answer(back) => {
                    let Some((generation, now)) = named(back) else { continue };
                    let (next, expected) = match now {
                        Some(Pending) => (Answered, Answer::Wake),
                        Some(Quarantined) => (Idle, Answer::Returned),
                        _ => (state, Answer::Stale),
                    };
                    prop_assert_eq!(slot.answer(generation), expected);
                    state = next;
                }
                Step::Collect(back) => {
                    let Some((generation, now)) = named(back) else { continue };
                    let expected = matches!(now, Some(Answered | Lost));
                    prop_assert_eq!(slot.collect(generation), expected);
                    if expected {
                        state = Idle;
                    }
                }
                Step::GiveUp(back) => {
                    let Some((generation, now)) = named(back) else { continue };
                    let (next, expected) = match now {
                        Some(Pending | Polled) => (Quarantined, GaveUp::Quarantined),
                        Some(Answered) => (state, GaveUp::Finished(Reply::Answered)),
                        Some(Lost) => (state, GaveUp::Finished(Reply::Lost)),
                        _ => (state, GaveUp::Stale),
                    };
                    prop_assert_eq!(slot.give_up(generation), expected);
                    state = next;
                }
                Step::Reset => {
                    let released = slot.release_after_reset();
                    match state {
                        Pending | Polled => {
                            prop_assert_eq!(released, Released::Woken(*uses.last().unwrap()));
                            state = Lost;
                        }
                        Quarantined => {
                            prop_assert_eq!(released, Released::Freed);
                            state = Idle;
                        }
                        _ => prop_assert_eq!(released, Released::Nothing),
                    }
                }
            }
            if let Some(&current) = uses.last() {
                let expected = match state {
                    Answered => Some(Reply::Answered),
                    Lost => Some(Reply::Lost),
                    _ => None,
                };
                prop_assert_eq!(slot.reply(current), expected);
            }
        }
    }
}
