// SPDX-License-Identifier: GPL-2.0

use crate::generation::Generation;
use crate::tag_slot::TagSlot;
use proptest::prelude::*;
use std::ptr::NonNull;

fn payload(number: usize) -> NonNull<()> {
    NonNull::new(std::ptr::without_provenance_mut(number + 1)).unwrap()
}

/// Reserves the slot and fills it.
fn arm(slot: &TagSlot, payload: NonNull<()>) -> Option<Generation> {
    let generation = slot.reserve()?;
    slot.publish(generation, payload);
    Some(generation)
}

/// Takes whatever is in the slot, as a sweep does.
fn take_current(slot: &TagSlot) -> Option<NonNull<()>> {
    slot.take(slot.generation_if_busy()?)
}

#[test]
fn a_new_slot_has_nothing_to_take() {
    let slot = TagSlot::new();
    assert_eq!(take_current(&slot), None);
    assert_eq!(slot.generation_if_busy(), None);
    assert_eq!(slot.take(Generation::UNUSED), None);
}

#[test]
fn an_occupied_slot_refuses_and_keeps_its_payload() {
    let slot = TagSlot::new();
    let generation = arm(&slot, payload(1)).unwrap();
    assert_eq!(arm(&slot, payload(2)), None);
    assert_eq!(slot.generation_if_busy(), Some(generation));
    assert_eq!(slot.take(generation), Some(payload(1)));
}

#[test]
fn a_reserved_slot_has_nothing_to_take_and_refuses() {
    let slot = TagSlot::new();
    let generation = slot.reserve().unwrap();
    assert_eq!(slot.reserve(), None);
    assert_eq!(slot.take(generation), None);
    assert_eq!(take_current(&slot), None);
    assert_eq!(slot.generation_if_busy(), None);
    slot.publish(generation, payload(1));
    assert_eq!(slot.take(generation), Some(payload(1)));
}

#[test]
fn a_cancelled_slot_is_free_and_its_generation_is_not_used_again() {
    let slot = TagSlot::new();
    let cancelled = slot.reserve().unwrap();
    slot.cancel(cancelled);
    assert_eq!(slot.take(cancelled), None);
    assert_eq!(take_current(&slot), None);
    let next = arm(&slot, payload(1)).unwrap();
    assert_ne!(next, cancelled);
    assert_eq!(slot.take(cancelled), None);
    assert_eq!(slot.take(next), Some(payload(1)));
}

#[test]
fn a_generation_takes_once() {
    let slot = TagSlot::new();
    let generation = arm(&slot, payload(1)).unwrap();
    assert_eq!(slot.take(generation), Some(payload(1)));
    assert_eq!(slot.take(generation), None);
    assert_eq!(take_current(&slot), None);
}

#[test]
fn an_answer_to_an_earlier_use_takes_nothing() {
    let slot = TagSlot::new();
    let first = arm(&slot, payload(1)).unwrap();
    assert_eq!(take_current(&slot), Some(payload(1)));
    let second = arm(&slot, payload(2)).unwrap();
    assert_ne!(first, second);
    assert_eq!(slot.take(first), None);
    assert_eq!(slot.take(second), Some(payload(2)));
}

#[test]
fn works_across_the_wrap_of_the_generation() {
    let slot = TagSlot::new();
    for use_number in 0..(1 << Generation::BITS) + 2 {
        let generation = arm(&slot, payload(use_number)).unwrap();
        assert_ne!(generation, Generation::UNUSED);
        assert_eq!(slot.take(generation), Some(payload(use_number)));
    }
}

#[derive(Clone, Debug)]
enum Step {
    Arm(usize),
    /// Reserves and gives back.
    Cancel,
    /// Takes the generation that this many uses ago was current.
    Take(usize),
    TakeCurrent,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0usize..1000).prop_map(Step::Arm),
        Just(Step::Cancel),
        (0usize..4).prop_map(Step::Take),
        Just(Step::TakeCurrent),
    ]
}

proptest! {
    #![proptest_config(super::config())]

    /// Any sequence of calls behaves like an optional payload with a use count.
    #[test]
    fn behaves_like_an_option(steps in prop::collection::vec(step(), 0..60)) {
        let slot = TagSlot::new();
        let mut content = None;
        let mut uses = Vec::new();
        for step in steps {
            match step {
                Step::Arm(number) => {
                    let armed = arm(&slot, payload(number));
                    prop_assert_eq!(armed.is_some(), content.is_none());
                    if let Some(generation) = armed {
                        content = Some((generation, payload(number)));
                        uses.push(generation);
                    }
                }
                Step::Cancel => {
                    let reserved = slot.reserve();
                    prop_assert_eq!(reserved.is_some(), content.is_none());
                    if let Some(generation) = reserved {
                        slot.cancel(generation);
                        uses.push(generation);
                    }
                }
                Step::Take(back) => {
                    let Some(&generation) = uses.iter().rev().nth(back) else { continue };
                    let expected = content.filter(|(current, _)| *current == generation);
                    if expected.is_some() {
                        content = None;
                    }
                    prop_assert_eq!(slot.take(generation), expected.map(|(_, payload)| payload));
                }
                Step::TakeCurrent => {
                    let expected = content.take().map(|(_, payload)| payload);
                    prop_assert_eq!(take_current(&slot), expected);
                }
            }
            prop_assert_eq!(slot.generation_if_busy(), content.map(|(generation, _)| generation));
        }
    }
}
