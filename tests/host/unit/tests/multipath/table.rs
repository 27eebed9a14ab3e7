// SPDX-License-Identifier: GPL-2.0

//! Table text to map to table text.

use super::{info, map, parse, parse_with, table_of, Bench};
use proptest::prelude::*;

#[test]
fn what_multipath_tools_generate_comes_back() {
    for (given, shown) in [
        (
            "0 0 1 1 service-time 0 2 1 8:0 1 8:16 1",
            "0 0 1 1 service-time 0 2 2 8:0 1 1 8:16 1 1 ",
        ),
        (
            "1 queue_if_no_path 1 alua 2 1 service-time 0 1 1 8:0 1 service-time 0 1 1 8:16 1",
            "1 queue_if_no_path 1 alua 2 1 service-time 0 1 2 8:0 1 1 service-time 0 1 2 8:16 1 1 ",
        ),
        (
            "3 queue_if_no_path queue_mode mq 0 1 1 round-robin 0 2 1 8:0 1000 8:16 1",
            "1 queue_if_no_path 0 1 1 round-robin 0 2 1 8:0 1 8:16 1 ",
        ),
        (
            "2 queue_mode bio 0 1 1 queue-length 0 1 1 8:0 1",
            "2 queue_mode bio 0 1 1 queue-length 0 1 1 8:0 1 ",
        ),
        (
            "5 retain_attached_hw_handler pg_init_retries 50 pg_init_delay_msecs 0 1 alua 1 1 \
             historical-service-time 0 1 1 8:0 1",
            "4 pg_init_retries 50 pg_init_delay_msecs 0 1 alua 1 1 \
             historical-service-time 2 972 0 1 1 8:0 0 ",
        ),
        (
            "0 0 1 1 historical-service-time 2 500 2 1 0 8:0",
            "0 0 1 1 historical-service-time 2 500 2 1 1 8:0 0 ",
        ),
        (
            "0 0 1 1 io-affinity 0 2 1 8:0 3 8:16 c",
            "0 0 1 1 io-affinity 0 2 1 8:0 00000000,00000003 8:16 00000000,0000000c ",
        ),
        ("0 0 0 0", "0 0 0 0 "),
        // The arguments of a handler are not shown, and the handler that is attached is kept.
        (
            "0 3 alua x y 1 1 round-robin 0 1 0 8:0",
            "0 1 alua 1 1 round-robin 0 1 1 8:0 1 ",
        ),
        (
            "0 1 alua 1 1 round-robin 0 1 0 66:0",
            "0 1 emc 1 1 round-robin 0 1 1 66:0 1 ",
        ),
        (
            "0 1 alua 1 1 round-robin 0 1 0 7:0",
            "0 0 1 1 round-robin 0 1 1 7:0 1 ",
        ),
        // A first group beyond the last one asks for none.
        (
            "0 0 1 3 round-robin 0 1 0 8:0",
            "0 0 1 1 round-robin 0 1 1 8:0 1 ",
        ),
    ] {
        let (map, state) = map(given);
        assert_eq!(table_of(&map, &state), shown, "{given}");
    }
}

#[test]
fn handler_params_are_as_scsi_dh_wants_them() {
    let (plain, _) = map("0 1 alua 1 1 round-robin 0 1 0 8:0");
    assert_eq!(plain.handler().params(), None);
    let (args, _) = map("0 3 emc 1 20 1 1 round-robin 0 1 0 8:0");
    assert_eq!(args.handler().params(), Some(&b"2\01\020\0"[..]));
    // Another handler is attached: what the table says is not for it.
    let (other, _) = map("0 3 alua 1 2 1 1 round-robin 0 1 0 66:0");
    assert_eq!(other.handler().params(), None);
    let (many, _) = map(&format!("0 13 alua {} 0 0", "a ".repeat(12)));
    assert!(many.handler().params().unwrap().starts_with(b"12\0a\0"));
}

/// What the map of the table line says, of the words of one path.
fn path_args(selector: &'static str) -> BoxedStrategy<String> {
    match selector {
        "round-robin" | "queue-length" => (0u32..2).prop_map(|count| count.to_string()).boxed(),
        "historical-service-time" => Just("0".to_string()).boxed(),
        _ => (0u32..2, 0u32..=100)
            .prop_map(|(count, throughput)| format!("{count} {throughput}"))
            .boxed(),
    }
}

fn one_group() -> impl Strategy<Value = String> {
    let selectors = prop::sample::select(vec![
        "round-robin",
        "queue-length",
        "service-time",
        "historical-service-time",
    ]);
    let ordinary = selectors.prop_flat_map(|selector| {
        let args = if selector == "historical-service-time" {
            (0u32..1024, any::<u32>())
                .prop_map(|(weight, threshold)| format!("2 {weight} {threshold}"))
                .boxed()
        } else {
            Just("0".to_string()).boxed()
        };
        let count = if selector == "service-time" { 2 } else { 1 };
        let path = (0u32..260, 0u32..4096, path_args(selector))
            // Devices with these major numbers have stories of their own.
            .prop_filter("special", |(major, _, _)| ![7, 66, 99].contains(major))
            .prop_map(|(major, minor, args)| format!("{major}:{minor} {args}"));
        (args, prop::collection::vec(path, 1..12)).prop_map(move |(args, paths)| {
            format!(
                "{selector} {args} {} {count} {} ",
                paths.len(),
                paths.join(" ")
            )
        })
    });
    let affinity = prop::collection::vec(any::<u64>(), 1..12).prop_map(|masks| {
        let paths: Vec<String> = (0u32..)
            .zip(&masks)
            .map(|(cpu, mask)| {
                // Each path has a CPU that no other has.
                let own = (mask & !0xfff) | 1 << cpu;
                format!("8:{cpu} {:08x},{:08x}", own >> 32, own & 0xffff_ffff)
            })
            .collect();
        format!("io-affinity 0 {} 1 {} ", paths.len(), paths.join(" "))
    });
    prop_oneof![5 => ordinary, 1 => affinity]
}

fn pair(name: &'static str, values: std::ops::Range<u32>) -> impl Strategy<Value = (u32, String)> {
    prop::option::of(values).prop_map(move |value| match value {
        Some(value) => (2, format!("{name} {value} ")),
        None => (0, String::new()),
    })
}

fn flag(name: &'static str) -> impl Strategy<Value = (u32, String)> {
    any::<bool>().prop_map(move |set| {
        if set {
            (1, format!("{name} "))
        } else {
            (0, String::new())
        }
    })
}

/// A table as a map writes it.
fn canonical() -> impl Strategy<Value = String> {
    let bio = any::<bool>().prop_map(|bio| {
        if bio {
            (2, "queue_mode bio ".to_string())
        } else {
            (0, String::new())
        }
    });
    let features = (
        flag("queue_if_no_path"),
        pair("pg_init_retries", 1..51),
        pair("pg_init_delay_msecs", 0..60001),
        bio,
        pair("path_deadline_msecs", 100..3_600_001),
        pair("no_path_timeout_secs", 0..86_401),
        flag("path_deadline_abort"),
        flag("require_same_wwid"),
    );
    let handler = prop::option::of("[a-z]{1,8}");
    let groups = prop::collection::vec(one_group(), 0..6);
    (features, handler, groups, any::<prop::sample::Index>()).prop_map(
        |((a, b, c, bio, deadline, d, abort, e), handler, groups, first)| {
            let takes_bios = bio.0 != 0;
            let may_abort = deadline
                .1
                .split(' ')
                .nth(1)
                .is_some_and(|msecs| msecs.len() > 3);
            let abort = if may_abort { abort } else { (0, String::new()) };
            let features = [a, b, c, bio, deadline, d, abort, e];
            let count: u32 = features.iter().map(|feature| feature.0).sum();
            let features: String = features.into_iter().map(|feature| feature.1).collect();
            let handler = match handler {
                Some(name) if !takes_bios => format!("1 {name}"),
                _ => "0".to_string(),
            };
            let first = if groups.is_empty() {
                0
            } else {
                first.index(groups.len()) + 1
            };
            let (number, groups) = (groups.len(), groups.concat());
            format!("{count} {features}{handler} {number} {first} {groups}")
        },
    )
}

/// Words that stand in tables, in any order.
fn soup() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "0",
        "0",
        "1",
        "1",
        "1",
        "2",
        "3",
        "8:0",
        "8:1",
        "8:2",
        "99:1",
        "7:0",
        "66:0",
        "1024",
        "1025",
        "4294967295",
        "-1",
        "x",
        "queue_if_no_path",
        "pg_init_retries",
        "queue_mode",
        "bio",
        "rq",
        "alua",
        "round-robin",
        "queue-length",
        "service-time",
        "historical-service-time",
        "io-affinity",
        "ff",
        "require_same_wwid",
    ]);
    prop::collection::vec(word, 0..40).prop_map(|words| words.join(" "))
}

proptest! {
    #![proptest_config(super::super::config())]

    #[test]
    fn the_table_of_a_map_makes_the_same_map(line in canonical()) {
        let mut one_disk = Bench {
            wwid: Some(b"one".to_vec()),
            ..Bench::default()
        };
        let (map, state) = match parse_with(&line, &mut one_disk) {
            Ok(map) => map,
            Err(error) => return Err(TestCaseError::fail(format!("{line}: {error:?}"))),
        };
        prop_assert_eq!(table_of(&map, &state), line);
    }

    #[test]
    fn no_words_panic_and_what_is_taken_comes_back(line in soup()) {
        let line = format!("0 0 1 1 {line}");
        for start in [0, 2, 4, 6, 8] {
            let Some(line) = line.get(start..) else { continue };
            if let Ok((map, state)) = parse(line) {
                let shown = table_of(&map, &state);
                let (again, again_state) = parse(&shown).map_err(|error| {
                    TestCaseError::fail(format!("{line} -> {shown}: {error:?}"))
                })?;
                prop_assert_eq!(table_of(&again, &again_state), shown);
                prop_assert_eq!(info(&again, &again_state), info(&map, &state));
            }
        }
    }

    #[test]
    fn no_bytes_panic(words in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..12), 0..30)) {
        let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        let mut bench = super::Bench::default();
        let _ = crate::multipath::table::parse::<super::Host, _>(&words, 3, &mut bench);
    }
}
