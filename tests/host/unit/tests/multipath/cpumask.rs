// SPDX-License-Identifier: GPL-2.0

use super::Host;
use crate::multipath::cpumask::CpuMask;
use proptest::prelude::*;

fn shown(text: &str, cpus: u32) -> Option<String> {
    CpuMask::<Host>::parse(text.as_bytes(), cpus)
        .ok()
        .map(|mask| mask.to_string())
}

#[test]
fn as_the_kernel_reads_and_writes_them() {
    for (text, cpus, expected) in [
        ("3", 2, Some("3")),
        ("4", 2, None),
        ("f", 4, Some("f")),
        ("1f", 5, Some("1f")),
        ("1", 5, Some("01")),
        ("FF", 32, Some("000000ff")),
        ("1,00000000", 33, Some("1,00000000")),
        ("2,00000000", 33, None),
        ("100000000", 64, None),
        ("ffffffff,ffffffff", 64, Some("ffffffff,ffffffff")),
        ("1,2", 64, Some("00000001,00000002")),
        // Nothing between two commas is nothing, not a chunk of zeroes.
        ("1,,2", 64, Some("00000001,00000002")),
        (",1,", 64, Some("00000000,00000001")),
        ("", 8, Some("00")),
        ("1 2", 64, Some("00000001,00000002")),
        ("0,0,0", 64, None),
        ("1\n2", 64, Some("00000000,00000001")),
        ("0x1", 8, None),
        ("g", 8, None),
    ] {
        assert_eq!(shown(text, cpus).as_deref(), expected, "{text} of {cpus}");
    }
}

proptest! {
    #![proptest_config(super::super::config())]

    #[test]
    fn a_mask_comes_back(chunks in prop::collection::vec(any::<u32>(), 1..6), cpus in 1u32..192) {
        let bits: Vec<bool> = (0..cpus)
            .map(|cpu| chunks.get((cpu / 32) as usize).is_some_and(|chunk| chunk >> (cpu % 32) & 1 != 0))
            .collect();
        let words: Vec<String> = bits
            .chunks(32)
            .map(|bits| bits.iter().rev().fold(0u32, |word, bit| word << 1 | u32::from(*bit)))
            .rev()
            .map(|word| format!("{word:x}"))
            .collect();
        let mask = CpuMask::<Host>::parse(words.join(",").as_bytes(), cpus).unwrap();
        let set: Vec<u32> = mask.iter().collect();
        let expected: Vec<u32> = (0u32..).zip(&bits).filter(|(_, bit)| **bit).map(|(cpu, _)| cpu).collect();
        prop_assert_eq!(set, expected);
        let again = CpuMask::<Host>::parse(mask.to_string().as_bytes(), cpus).unwrap();
        prop_assert_eq!(again.to_string(), mask.to_string());
    }

    #[test]
    fn no_text_panics(text: Vec<u8>, cpus in 0u32..200) {
        if let Ok(mask) = CpuMask::<Host>::parse(&text, cpus) {
            prop_assert!(mask.iter().all(|cpu| cpu < cpus));
        }
    }
}
