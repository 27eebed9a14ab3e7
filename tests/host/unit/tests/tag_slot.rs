// SPDX-License-Identifier: GPL-2.0

use crate::generation::Generation;
use crate::tag_slot::TagSlot;
use proptest::prelude::*;
use std::ptr::NonNull;

fn payload(number: usize) -> NonNull<()> {
    NonNull::new(std::ptr::without_provenance_mut(number + 1)).unwrap()
}

#[test]
fn a_new_slot_has_nothing_to_take() {
    let slot = TagSlot::new();
    assert_eq!(slot.take_current(), None);
    assert_eq!(slot.generation_if_busy(), None);
    assert_eq!(slot.take(Generation::UNUSED), None);
}

#[test]
fn an_occupied_slot_refuses_and_keeps_its_payload() {
    let slot = TagSlot::new();
    let generation = slot.arm(payload(1)).unwrap();
    assert_eq!(slot.arm(payload(2)), None);
    assert_eq!(slot.generation_if_busy(), Some(generation));
    assert_eq!(slot.take(generation), Some(payload(1)));
}

#[test]
fn a_generation_takes_once() {
    let slot = TagSlot::new();
    let generation = slot.arm(payload(1)).unwrap();
    assert_eq!(slot.take(generation), Some(payload(1)));
    assert_eq!(slot.take(generation), None);
    assert_eq!(slot.take_current(), None);
}

#[test]
fn an_answer_to_an_earlier_use_takes_nothing() {
    let slot = TagSlot::new();
    let first = slot.arm(payload(1)).unwrap();
    assert_eq!(slot.take_current(), Some(payload(1)));
    let second = slot.arm(payload(2)).unwrap();
    assert_ne!(first, second);
    assert_eq!(slot.take(first), None);
    assert_eq!(slot.take(second), Some(payload(2)));
}

#[test]
fn works_across_the_wrap_of_the_generation() {
    let slot = TagSlot::new();
    for use_number in 0..(1 << Generation::BITS) + 2 {
        let generation = slot.arm(payload(use_number)).unwrap();
        assert_ne!(generation, Generation::UNUSED);
        assert_eq!(slot.take(generation), Some(payload(use_number)));
    }
}

#[derive(Clone, Debug)]
enum Step {
    Arm(usize),
    /// Takes the generation that this many uses ago was current.
    Take(usize),
    TakeCurrent,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0usize..1000).prop_map(Step::Arm),
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
                    let armed = slot.arm(payload(number));
                    prop_assert_eq!(armed.is_some(), content.is_none());
                    if let Some(generation) = armed {
                        content = Some((generation, payload(number)));
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
                    prop_assert_eq!(slot.take_current(), expected);
                }
            }
            prop_assert_eq!(slot.generation_if_busy(), content.map(|(generation, _)| generation));
        }
    }
}
