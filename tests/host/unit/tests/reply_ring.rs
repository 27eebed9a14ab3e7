// SPDX-License-Identifier: GPL-2.0

use crate::generation::Generation;
use crate::reply_ring::{next, pending, Context};
use proptest::prelude::*;

#[test]
fn an_index_outside_of_the_ring_is_refused() {
    assert_eq!(pending(0, 1008, 1008), None);
    assert_eq!(pending(1008, 0, 1008), None);
    assert_eq!(pending(0, u32::MAX, 1008), None);
    assert_eq!(pending(0, 0, 0), None);
    assert_eq!(pending(0, 1007, 1008), Some(1007));
    assert_eq!(pending(1007, 0, 1008), Some(1));
    assert_eq!(pending(5, 5, 1008), Some(0));
}

#[test]
fn the_index_wraps() {
    assert_eq!(next(0, 2), 1);
    assert_eq!(next(1, 2), 0);
    assert_eq!(next(7, 2), 0);
    assert_eq!(next(u32::MAX, u32::MAX), 0);
    assert_eq!(next(0, 0), 0);
}

#[test]
fn a_context_has_12_bits_of_index_and_20_of_generation() {
    let context = Context::new(0xabc, Generation::from_u32(0x12345)).unwrap();
    assert_eq!(context.as_u32(), 0x1234_5abc);
    assert_eq!(Context::new(4096, Generation::from_u32(1)), None);
    assert_eq!(Context::new(u32::MAX, Generation::from_u32(1)), None);
}

#[test]
fn a_zeroed_entry_names_no_use_of_a_slot() {
    assert_eq!(Context::from_u32(0).generation(), Generation::UNUSED);
    assert_ne!(Generation::UNUSED.next(), Generation::UNUSED);
}

fn ring() -> impl Strategy<Value = (u32, u32, u32)> {
    (1u32..5000)
        .prop_flat_map(|entries| {
            let producer = prop_oneof![3 => 0..entries, 1 => any::<u32>()];
            (Just(entries), 0..entries, producer)
        })
        .boxed()
}

proptest! {
    #![proptest_config(super::config())]

    /// Stepping over what is pending stays in the ring and ends at the producer, within one round.
    #[test]
    fn the_consumer_reaches_the_producer((entries, consumer, producer) in ring()) {
        match pending(consumer, producer, entries) {
            None => prop_assert!(producer >= entries),
            Some(count) => {
                prop_assert!(count < entries);
                let mut index = consumer;
                for _ in 0..count {
                    prop_assert!(index < entries);
                    prop_assert_ne!(index, producer);
                    index = next(index, entries);
                }
                prop_assert_eq!(index, producer);
            }
        }
    }

    #[test]
    fn no_indices_panic(consumer: u32, producer: u32, entries: u32) {
        let count = pending(consumer, producer, entries);
        prop_assert_eq!(count.is_some(), consumer < entries && producer < entries);
        prop_assert!(entries == 0 || next(consumer, entries) < entries);
    }

    #[test]
    fn a_context_comes_back_as_it_went(index in 0u32..4096, generation: u32) {
        let generation = Generation::from_u32(generation);
        let context = Context::new(index, generation).unwrap();
        prop_assert_eq!(Context::from_u32(context.as_u32()).split(), (index, generation));
    }

    #[test]
    fn any_word_of_the_device_is_a_context(word: u32) {
        let (index, generation) = Context::from_u32(word).split();
        prop_assert!(index < Context::MAX_INDEX);
        prop_assert_eq!(Context::new(index, generation).map(Context::as_u32), Some(word));
    }
}
