// SPDX-License-Identifier: GPL-2.0

//! The tests, one file a module.

mod address;
mod cdb;
mod fit;
mod frame;
mod generation;
mod handshake;
mod mailbox;
mod model;
mod multipath;
mod ownership;
mod payload;
mod reply_ring;
mod scan_range;
mod sgl;
mod status;
mod tag_slot;
mod watch_state;

use proptest::test_runner::Config;

/// Properties are checked against this many random cases. Failures are printed, not stored beside
/// the sources.
fn config() -> Config {
    Config {
        cases: 2000,
        failure_persistence: None,
        ..Config::default()
    }
}

/// Words in the device's byte order, as the bytes that the device reads.
fn as_bytes(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_ne_bytes()).collect()
}
