// SPDX-License-Identifier: GPL-2.0

use crate::multipath::map::GroupId;
use crate::multipath::message::{Message, MessageError};

fn parse<'a>(words: &[&'a str], groups: u32) -> Result<Message<'a>, MessageError<'a>> {
    let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
    Message::parse(&words, groups)
}

#[test]
fn every_message() {
    let group = |number| GroupId::from_number(number).unwrap();
    for (words, message) in [
        (&["queue_if_no_path"][..], Message::QueueIfNoPath),
        (&["Fail_If_No_Path"], Message::FailIfNoPath),
        (&["disable_group", "1"], Message::DisableGroup(group(1))),
        (&["enable_group", "2"], Message::EnableGroup(group(2))),
        (&["switch_group", "02"], Message::SwitchGroup(group(2))),
        (&["SWITCH_GROUP", "1"], Message::SwitchGroup(group(1))),
        (&["fail_path", "8:0"], Message::FailPath(b"8:0")),
        (
            &["reinstate_path", "/dev/sda"],
            Message::ReinstatePath(b"/dev/sda"),
        ),
        (&["stats"], Message::Stats),
        (&["stats", "latency_on"], Message::StatsLatency(true)),
        (&["stats", "latency_off"], Message::StatsLatency(false)),
    ] {
        assert_eq!(parse(words, 2), Ok(message), "{words:?}");
    }
}

#[test]
fn what_is_refused_and_how() {
    let arguments = "Invalid multipath message arguments. Expected 2 arguments, got";
    for (words, text) in [
        (&[][..], format!("{arguments} 0.")),
        (&["fail_path"], format!("{arguments} 1.")),
        (&["bogus"], format!("{arguments} 1.")),
        (&["switch_group", "1", "2"], format!("{arguments} 3.")),
        (&["queue_if_no_path", "1"], unrecognised("queue_if_no_path")),
        (&["bogus", "1"], unrecognised("bogus")),
        (
            &["stats", "all"],
            "stats takes latency_on or latency_off, not all".to_string(),
        ),
        (&["switch_group", "0"], group("switch_pg_num")),
        (&["switch_group", "3"], group("switch_pg_num")),
        (&["switch_group", "1x"], group("switch_pg_num")),
        (&["switch_group", "-1"], group("switch_pg_num")),
        (&["disable_group", "x"], group("bypass_pg")),
        (&["enable_group", "4"], group("bypass_pg")),
    ] {
        let error = parse(words, 2).expect_err("refused");
        assert_eq!(error.to_string(), text, "{words:?}");
        assert_eq!(error.errno().as_i32(), 22);
    }
    assert!(parse(&["switch_group", "1"], 0).is_err());
}

fn unrecognised(word: &str) -> String {
    format!("Unrecognised multipath message received: {word}")
}

fn group(function: &str) -> String {
    format!("invalid PG number supplied to {function}")
}
