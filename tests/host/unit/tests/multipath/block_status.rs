// SPDX-License-Identifier: GPL-2.0

use crate::multipath::block_status::{BioEnd, PathVerdict, Remaining, RequestEnd};
use crate::multipath::map::NoPath;
use crate::multipath::BlockStatus;

const OK: u8 = 0;
const RESOURCE: u8 = 9;

/// `blk_path_error` of the C header, of the numbers in it; but that neither an invalid I/O (19) nor a
/// command duration limit (17) is a path's fault.
fn is_path_error(status: u8) -> bool {
    !matches!(status, 1 | 3 | 5 | 6 | 7 | 8 | 17 | 19)
}

fn all() -> impl Iterator<Item = (u8, Remaining)> {
    (0..=u8::MAX).flat_map(|status| {
        (0..3).flat_map(move |valid_paths| {
            let cases = [
                NoPath::Requeue,
                NoPath::Queue,
                NoPath::PushBack,
                NoPath::Kill,
            ];
            cases.map(move |no_path| {
                let remaining = Remaining {
                    valid_paths,
                    no_path,
                };
                (status, remaining)
            })
        })
    })
}

#[test]
fn a_path_fails_by_what_blk_path_error_says() {
    for status in 0..=u8::MAX {
        let expected = if status != OK && is_path_error(status) {
            PathVerdict::Fail
        } else {
            PathVerdict::Keep
        };
        assert_eq!(
            PathVerdict::of(BlockStatus::from_raw(status)),
            expected,
            "{status}"
        );
    }
}

/// `multipath_end_io`, transcribed.
#[test]
fn requests_end_as_in_the_c_target() {
    for (status, remaining) in all() {
        let mut expected = RequestEnd::Done;
        if status != OK && is_path_error(status) {
            expected = if status == RESOURCE {
                RequestEnd::DelayRequeue
            } else {
                RequestEnd::Requeue
            };
            let must_push_back = remaining.no_path != NoPath::Kill;
            if remaining.valid_paths == 0 && !must_push_back {
                expected = RequestEnd::Done;
            }
        }
        let end = RequestEnd::new(BlockStatus::from_raw(status), remaining);
        assert_eq!(end, expected, "{status} {remaining:?}");
    }
}

/// `multipath_end_io_bio`, transcribed.
fn bio(status: u8, remaining: Remaining) -> BioEnd {
    if status == OK || !is_path_error(status) {
        return BioEnd::Done;
    }
    if remaining.valid_paths == 0 && remaining.no_path != NoPath::Queue {
        if remaining.no_path != NoPath::Kill {
            return BioEnd::Requeue;
        }
        return BioEnd::DoneWithError;
    }
    BioEnd::Queue
}

#[test]
fn bios_end_as_in_the_c_target() {
    for (status, remaining) in all() {
        let end = BioEnd::new(BlockStatus::from_raw(status), remaining);
        assert_eq!(end, bio(status, remaining), "{status} {remaining:?}");
    }
}
