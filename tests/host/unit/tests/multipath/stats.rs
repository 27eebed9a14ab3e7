// SPDX-License-Identifier: GPL-2.0

use super::{map, send, System};
use crate::multipath::map::Ended;
use crate::multipath::stats::{bucket_limit_usecs, BUCKETS};
use crate::multipath::status;

#[test]
fn io_is_counted_by_path() {
    let (map, mut state) = map("0 0 1 1 round-robin 0 2 0 8:0 8:1");
    let system = System::default();
    let mut io = || send(&map, &mut state, &system, 4096).unwrap();
    let (first, second, third, fourth) = (io(), io(), io(), io());
    for (in_flight, error) in [(first, false), (second, true)] {
        map.end_io(in_flight, &system, Ended { start: None, error });
    }
    map.take_back(fourth);
    map.measure_latency(true);
    system.now.set(12_000_000);
    let ended = Ended {
        start: Some(11_990_000),
        error: false,
    };
    map.end_io(third, &system, ended);
    let mut text = String::new();
    status::write_stats(&map, "", &mut text).unwrap();
    assert_eq!(
        text,
        "8:0 A ios 2 bytes 8192 errors 0 in_flight 0 latency_us <16:1\n\
         8:1 A ios 1 bytes 0 errors 1 in_flight 0 latency_us\n"
    );
}

#[test]
fn latencies_fall_into_their_buckets() {
    let (map, mut state) = map("0 0 1 1 round-robin 0 1 0 8:0");
    let system = System::default();
    map.measure_latency(true);
    let limits: Vec<u64> = (0..BUCKETS).filter_map(bucket_limit_usecs).collect();
    assert_eq!(limits.len(), BUCKETS - 1);
    let edges = limits
        .iter()
        .flat_map(|limit| [limit * 1000 - 1, limit * 1000]);
    for nsecs in edges.chain([0, u64::MAX]) {
        let in_flight = send(&map, &mut state, &system, 1).unwrap();
        system.now.set(nsecs);
        let ended = Ended {
            start: Some(0),
            error: false,
        };
        map.end_io(in_flight, &system, ended);
    }
    let (_, path) = map.paths().next().unwrap();
    let counts: Vec<u32> = path.stats().latencies().collect();
    assert_eq!(counts, [2; BUCKETS]);
    let text = path.stats().to_string();
    assert!(text.contains("latency_us <8:2 <16:2 "), "{text}");
    assert!(text.ends_with(" <8388608:2 >=8388608:2"), "{text}");
}
