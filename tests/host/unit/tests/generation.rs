// SPDX-License-Identifier: GPL-2.0

use crate::generation::Generation;
use proptest::prelude::*;

#[test]
fn every_generation_comes_once_a_round_and_zero_never() {
    let mut seen = vec![false; 1 << Generation::BITS];
    let mut generation = Generation::UNUSED;
    for _ in 1..seen.len() {
        generation = generation.next();
        let seen = &mut seen[generation.as_u32() as usize];
        assert!(!*seen, "{generation:?} twice");
        *seen = true;
    }
    assert!(!seen[0]);
    assert_eq!(generation.next(), Generation::from_u32(1));
}

proptest! {
    #![proptest_config(super::config())]

    #[test]
    fn keeps_the_low_bits(value: u32) {
        prop_assert_eq!(Generation::from_u32(value).as_u32(), value % (1 << Generation::BITS));
    }
}
