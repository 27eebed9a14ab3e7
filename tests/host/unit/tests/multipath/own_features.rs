// SPDX-License-Identifier: GPL-2.0

//! Features that the C target does not have.

use super::{parse, parse_with, Bench};

#[test]
fn more_than_eight_words_only_with_own_features() {
    let own = "14 queue_if_no_path retain_attached_hw_handler pg_init_retries 3 \
               pg_init_delay_msecs 5 queue_mode bio path_deadline_msecs 5000 \
               no_path_timeout_secs 30 path_deadline_abort require_same_wwid 0 0 0";
    assert!(parse(own).is_ok());
    let stock = "9 queue_if_no_path queue_if_no_path queue_if_no_path queue_if_no_path \
                 queue_if_no_path queue_if_no_path queue_if_no_path queue_if_no_path \
                 queue_if_no_path 0 0 0";
    let error = parse(stock).err().expect("refused");
    assert_eq!(error.message(), "invalid number of feature args");
}

#[test]
fn different_wwids_are_warned_of_once_or_refused() {
    let paths = "0 1 1 round-robin 0 4 0 8:0=a 8:1=a 8:2=b 8:3=c";
    let mut bench = Bench::default();
    assert!(parse_with(&format!("0 {paths}"), &mut bench).is_ok());
    assert_eq!(bench.notices, ["paths 8:0 and 8:2 have different WWIDs"]);

    let mut bench = Bench::default();
    let line = format!("1 require_same_wwid {paths}");
    let error = parse_with(&line, &mut bench).err().expect("refused");
    assert_eq!(error.message(), "paths have different WWIDs");
    assert_eq!(error.word(), Some(11));
    assert_eq!(bench.notices, ["paths 8:0 and 8:2 have different WWIDs"]);

    let error = parse("1 require_same_wwid 0 1 1 round-robin 0 2 0 8:0=a 8:1");
    let error = error.err().expect("refused");
    assert_eq!(error.message(), "path has no WWID");
    assert_eq!(error.word(), Some(10));

    let same = "1 require_same_wwid 0 1 1 round-robin 0 2 0 8:0=a 8:2=a";
    assert!(parse(same).is_ok());
}

#[test]
fn to_abort_takes_a_deadline() {
    for line in [
        "2 queue_if_no_path path_deadline_abort 0 0 0",
        "3 path_deadline_abort path_deadline_msecs 999 0 0 0",
    ] {
        let error = parse(line).err().expect("refused");
        assert_eq!(
            error.message(),
            "path_deadline_abort needs path_deadline_msecs of 1000 or more"
        );
        let word = line
            .split(' ')
            .position(|word| word == "path_deadline_abort");
        assert_eq!(error.word(), word);
    }
    for both in [
        "3 path_deadline_abort path_deadline_msecs 1000 0 0 0",
        "3 path_deadline_msecs 1000 path_deadline_abort 0 0 0",
    ] {
        assert!(parse(both).is_ok(), "{both}");
    }
}
