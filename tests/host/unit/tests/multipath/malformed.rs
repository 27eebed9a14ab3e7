// SPDX-License-Identifier: GPL-2.0

//! Tables that the C target refuses: the same text and number, and the word that is wrong.

use super::{parse, parse_with, Bench};

/// The line, the text, the error number, the index of the wrong word.
const MALFORMED: &[(&str, &str, i32, usize)] = &[
    ("", "invalid number of feature args", 22, 0),
    ("x", "invalid number of feature args", 22, 0),
    ("-1 0 0 0", "invalid number of feature args", 22, 0),
    ("1", "invalid number of feature args", 22, 0),
    (
        "2 queue_if_no_path",
        "invalid number of feature args",
        22,
        0,
    ),
    (
        "9 a a a a a a a a a 0 0 0",
        "invalid number of feature args",
        22,
        0,
    ),
    (
        "14 a a a a a a a a a a a a a a",
        "invalid number of feature args",
        22,
        0,
    ),
    ("0x0 0 0 0", "invalid number of feature args", 22, 0),
    (
        "1 bogus 0 0 0",
        "Unrecognised multipath feature request",
        22,
        1,
    ),
    (
        "2 queue_if_no_path bogus 0 0 0",
        "Unrecognised multipath feature request",
        22,
        2,
    ),
    (
        "1 pg_init_retries 0 0 0",
        "Unrecognised multipath feature request",
        22,
        1,
    ),
    (
        "1 pg_init_delay_msecs 0 0 0",
        "Unrecognised multipath feature request",
        22,
        1,
    ),
    (
        "1 queue_mode 0 0 0",
        "Unrecognised multipath feature request",
        22,
        1,
    ),
    (
        "1 path_deadline_msecs 0 0 0",
        "feature needs a value, and the number of feature args counts it",
        22,
        1,
    ),
    (
        "2 pg_init_retries 0 0 0 0",
        "pg_init_retries must be between 1 and 50",
        22,
        2,
    ),
    (
        "2 pg_init_retries 51 0 0 0",
        "pg_init_retries must be between 1 and 50",
        22,
        2,
    ),
    (
        "2 pg_init_retries x 0 0 0",
        "pg_init_retries must be between 1 and 50",
        22,
        2,
    ),
    (
        "2 pg_init_retries -1 0 0 0",
        "pg_init_retries must be between 1 and 50",
        22,
        2,
    ),
    (
        "2 pg_init_delay_msecs 60001 0 0 0",
        "pg_init_delay_msecs must be between 0 and 60000",
        22,
        2,
    ),
    (
        "2 pg_init_delay_msecs 1s 0 0 0",
        "pg_init_delay_msecs must be between 0 and 60000",
        22,
        2,
    ),
    (
        "2 queue_mode xyz 0 0 0",
        "Unknown 'queue_mode' requested",
        22,
        2,
    ),
    (
        "2 path_deadline_msecs 99 0 0 0",
        "path_deadline_msecs must be between 100 and 3600000",
        22,
        2,
    ),
    (
        "2 no_path_timeout_secs x 0 0 0",
        "no_path_timeout_secs must be between 0 and 86400",
        22,
        2,
    ),
    ("0", "invalid number of hardware handler args", 22, 1),
    ("0 x 0 0", "invalid number of hardware handler args", 22, 1),
    (
        "0 1025 0 0",
        "invalid number of hardware handler args",
        22,
        1,
    ),
    (
        "0 3 alua 0",
        "invalid number of hardware handler args",
        22,
        1,
    ),
    ("0 0", "invalid number of priority groups", 22, 2),
    ("0 0 x 1", "invalid number of priority groups", 22, 2),
    ("0 0 1025 1", "invalid number of priority groups", 22, 2),
    ("0 0 1", "invalid initial priority group number", 22, 3),
    ("0 0 1 x", "invalid initial priority group number", 22, 3),
    ("0 0 1 1025", "invalid initial priority group number", 22, 3),
    ("0 0 0 1", "invalid initial priority group", 22, 3),
    ("0 0 1 0", "invalid initial priority group", 22, 3),
    (
        "0 0 1 0 round-robin 0 1 1 8:0 1",
        "invalid initial priority group",
        22,
        3,
    ),
    ("0 0 1 1", "priority group count mismatch", 22, 2),
    (
        "0 0 2 1 round-robin 0 1 0 8:0",
        "priority group count mismatch",
        22,
        2,
    ),
    (
        "0 0 1 1 round-robin 0 1 0 8:0 round-robin 0 1 0 8:1",
        "priority group count mismatch",
        22,
        2,
    ),
    (
        "0 0 0 0 round-robin 0 1 0 8:0",
        "priority group count mismatch",
        22,
        2,
    ),
    (
        "0 0 1 1 round-robin",
        "not enough priority group arguments",
        22,
        4,
    ),
    (
        "0 0 1 1 round-robin 0 1 0 8:0 extra",
        "not enough priority group arguments",
        22,
        9,
    ),
    (
        "0 0 1 1 Round-Robin 0 1 0 8:0",
        "unknown path selector type",
        22,
        4,
    ),
    (
        "0 0 1 1 fastest 0 1 0 8:0",
        "unknown path selector type",
        22,
        4,
    ),
    ("0 0 1 1 0 1 0 8:0", "unknown path selector type", 22, 4),
    (
        "0 0 1 1 round-robin x 1 0 8:0",
        "invalid number of path selector args",
        22,
        5,
    ),
    (
        "0 0 1 1 round-robin 9 1 0 8:0",
        "invalid number of path selector args",
        22,
        5,
    ),
    (
        "0 0 1 1 round-robin 1025",
        "invalid number of path selector args",
        22,
        5,
    ),
    (
        "0 0 1 1 historical-service-time 1 1024 1 0 8:0",
        "path selector constructor failed",
        22,
        6,
    ),
    (
        "0 0 1 1 historical-service-time 1 x 1 0 8:0",
        "path selector constructor failed",
        22,
        6,
    ),
    (
        "0 0 1 1 historical-service-time 2 1 x 1 0 8:0",
        "path selector constructor failed",
        22,
        6,
    ),
    (
        "0 0 1 1 historical-service-time 3 1 1 1 1 0 8:0",
        "path selector constructor failed",
        22,
        6,
    ),
    ("0 0 1 1 round-robin 0", "invalid number of paths", 22, 6),
    (
        "0 0 1 1 round-robin 0 0 0",
        "invalid number of paths",
        22,
        6,
    ),
    (
        "0 0 1 1 round-robin 0 x 0 8:0",
        "invalid number of paths",
        22,
        6,
    ),
    (
        "0 0 1 1 round-robin 0 1025 0 8:0",
        "invalid number of paths",
        22,
        6,
    ),
    (
        "0 0 1 1 round-robin 0 1",
        "invalid number of selector args",
        22,
        7,
    ),
    (
        "0 0 1 1 round-robin 0 1 x 8:0",
        "invalid number of selector args",
        22,
        7,
    ),
    (
        "0 0 1 1 round-robin 0 1 1025 8:0",
        "invalid number of selector args",
        22,
        7,
    ),
    (
        "0 0 1 1 round-robin 0 1 0",
        "not enough path parameters",
        22,
        8,
    ),
    (
        "0 0 1 1 round-robin 0 1 1 8:0",
        "not enough path parameters",
        22,
        8,
    ),
    (
        "0 0 1 1 round-robin 0 2 1 8:0 1",
        "not enough path parameters",
        22,
        10,
    ),
    (
        "0 0 1 1 round-robin 0 2 1 8:0 1 8:1",
        "not enough path parameters",
        22,
        10,
    ),
    (
        "0 0 1 1 round-robin 0 1 0 99:0",
        "error getting device",
        6,
        8,
    ),
    (
        "0 0 1 1 round-robin 0 2 1 8:0 1 99:0 1",
        "error getting device",
        6,
        10,
    ),
    // The device is opened before its arguments are looked at.
    (
        "0 0 1 1 round-robin 0 1 1 99:0 x",
        "error getting device",
        6,
        8,
    ),
    (
        "0 0 1 1 round-robin 0 1 1 8:0 x",
        "round-robin ps: invalid repeat count",
        22,
        9,
    ),
    (
        "0 0 1 1 round-robin 0 1 2 8:0 1 1",
        "round-robin ps: incorrect number of arguments",
        22,
        9,
    ),
    (
        "0 0 1 1 queue-length 0 1 1 8:0 1x",
        "queue-length ps: invalid repeat count",
        22,
        9,
    ),
    (
        "0 0 1 1 queue-length 0 1 2 8:0 1 1",
        "queue-length ps: incorrect number of arguments",
        22,
        9,
    ),
    (
        "0 0 1 1 service-time 0 1 1 8:0 -1",
        "service-time ps: invalid repeat count",
        22,
        9,
    ),
    (
        "0 0 1 1 service-time 0 1 2 8:0 1 101",
        "service-time ps: invalid relative_throughput value",
        22,
        10,
    ),
    (
        "0 0 1 1 service-time 0 1 2 8:0 1 x",
        "service-time ps: invalid relative_throughput value",
        22,
        10,
    ),
    (
        "0 0 1 1 service-time 0 1 3 8:0 1 1 1",
        "service-time ps: incorrect number of arguments",
        22,
        9,
    ),
    (
        "0 0 1 1 historical-service-time 0 1 1 8:0 x",
        "historical-service-time ps: invalid repeat count",
        22,
        9,
    ),
    (
        "0 0 1 1 historical-service-time 0 1 2 8:0 1 1",
        "historical-service-time ps: incorrect number of arguments",
        22,
        9,
    ),
    (
        "0 0 1 1 io-affinity 0 1 0 8:0",
        "io-affinity ps: invalid number of arguments",
        22,
        9,
    ),
    (
        "0 0 1 1 io-affinity 0 1 2 8:0 1 1",
        "io-affinity ps: invalid number of arguments",
        22,
        9,
    ),
    (
        "0 0 1 1 io-affinity 0 1 1 8:0 xyz",
        "io-affinity ps: invalid cpumask",
        22,
        9,
    ),
    (
        "0 0 1 1 io-affinity 0 1 1 8:0 1,00000000,00000000",
        "io-affinity ps: invalid cpumask",
        22,
        9,
    ),
    (
        "0 0 1 1 io-affinity 0 1 1 8:0 0",
        "io-affinity ps: No new/valid CPU mapping found",
        22,
        9,
    ),
    (
        "0 0 1 1 io-affinity 0 2 1 8:0 1 8:1 1",
        "io-affinity ps: No new/valid CPU mapping found",
        22,
        11,
    ),
];

#[test]
fn each_is_refused_as_the_c_target_refuses_it() {
    for (line, message, errno, word) in MALFORMED {
        match parse(line) {
            Ok(_) => panic!("{line}: taken"),
            Err(error) => {
                assert_eq!(error.message(), *message, "{line}");
                assert_eq!(error.errno().as_i32(), *errno, "{line}");
                assert_eq!(error.word(), Some(*word), "{line}");
            }
        }
    }
}

#[test]
fn odd_tables_that_the_c_target_takes() {
    for line in [
        "0 0 0 0",
        "1 QUEUE_IF_NO_PATH 0 0 0",
        "8 queue_if_no_path retain_attached_hw_handler queue_if_no_path queue_if_no_path \
         pg_init_retries 3 queue_mode mq 0 0 0",
        // Numbers lose what does not fit into 32 bits.
        "4294967296 0 0 0",
        "0 0 1 5 round-robin 0 1 0 8:0",
        "0 0 1 1 round-robin 3 what ever this 1 0 8:0",
        "0 0 1 1 service-time 0 1 2 8:0 5000 0",
        "2 queue_mode BIO 2 alua x 1 1 round-robin 0 1 0 8:0",
        "0 1 alua 1 1 round-robin 0 1 0 7:0",
    ] {
        assert!(parse(line).is_ok(), "{line}");
    }
}

#[test]
fn devices_are_opened_up_to_the_first_error() {
    let mut bench = Bench::default();
    let line = "0 0 2 1 round-robin 0 2 1 8:0 1 8:1 1 round-robin 0 2 1 8:2 1 8:3 x";
    assert!(parse_with(line, &mut bench).is_err());
    assert_eq!(bench.opened, ["8:0", "8:1", "8:2", "8:3"]);
}

#[test]
fn what_has_no_effect_is_said() {
    let mut bench = Bench::default();
    let line = "2 queue_mode bio 1 alua 1 1 service-time 0 2 1 8:0 1000 8:1 1";
    assert!(parse_with(line, &mut bench).is_ok());
    assert_eq!(
        bench.notices,
        [
            "bio-based multipath doesn't allow hardware handler args",
            "service-time: repeat_count > 1 is deprecated, using 1 instead",
        ]
    );
}
