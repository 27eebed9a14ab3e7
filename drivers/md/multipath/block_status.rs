// SPDX-License-Identifier: GPL-2.0

//! What the block status of a finished I/O means for its path, and for the I/O.
//!
//! Source: `include/linux/blk_types.h` (`blk_path_error`), `multipath_end_io` and
//! `multipath_end_io_bio` in `drivers/md/dm-mpath.c`.

use super::map::NoPath;
use super::BlockStatus;

/// What is to be done with the path that an I/O came back from.
#[must_use]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum PathVerdict {
    /// The path is good: the I/O is done, or its error would be the same on every path.
    Keep,
    /// The path is to be failed, and the I/O may be tried on another.
    Fail,
}

impl PathVerdict {
    /// Whether the path is to blame for an end. Unlike in the C target it is not where a command duration limit was
    /// exceeded, as the I/O asked to be ended then, nor for an invalid I/O, which never reached the path.
    #[inline]
    pub(crate) const fn of(status: BlockStatus) -> Self {
        match status {
            BlockStatus::Ok
            | BlockStatus::NotSupported
            | BlockStatus::NoSpace
            | BlockStatus::Target
            | BlockStatus::ReservationConflict
            | BlockStatus::Medium
            | BlockStatus::Protection
            | BlockStatus::DurationLimit
            | BlockStatus::Invalid => Self::Keep,
            BlockStatus::Timeout
            | BlockStatus::Transport
            | BlockStatus::Resource
            | BlockStatus::IoError
            | BlockStatus::DmRequeue
            | BlockStatus::Again
            | BlockStatus::DeviceResource
            | BlockStatus::ZoneOpenResource
            | BlockStatus::ZoneActiveResource
            | BlockStatus::Offline => Self::Fail,
        }
    }
}

/// What is left for I/O that failed with its path, when the path has been failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Remaining {
    /// Paths on which it may be tried.
    pub(crate) valid_paths: u32,
    /// What becomes of it if there is none.
    pub(crate) no_path: NoPath,
}

/// What becomes of a finished request. Values as device-mapper's `DM_ENDIO_*`.
#[must_use]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum RequestEnd {
    /// It is done, with the status that it has.
    Done,
    /// The original is put back into the queue (`DM_ENDIO_REQUEUE`).
    Requeue,
    /// The same, after a delay (`DM_ENDIO_DELAY_REQUEUE`).
    DelayRequeue,
}

impl RequestEnd {
    /// Decides for a request. If the verdict on `status` is [`PathVerdict::Fail`], the path has to
    /// be failed before `remaining` is taken.
    #[inline]
    pub(crate) const fn new(status: BlockStatus, remaining: Remaining) -> Self {
        match PathVerdict::of(status) {
            PathVerdict::Keep => Self::Done,
            PathVerdict::Fail => {
                if remaining.valid_paths == 0 && matches!(remaining.no_path, NoPath::Kill) {
                    Self::Done
                } else if matches!(status, BlockStatus::Resource) {
                    Self::DelayRequeue
                } else {
                    Self::Requeue
                }
            }
        }
    }
}

/// What becomes of a finished bio.
#[must_use]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum BioEnd {
    /// It is done, with the status that it has.
    Done,
    /// It is done, with `BLK_STS_IOERR` in place of its status.
    DoneWithError,
    /// Device-mapper takes it back (`DM_ENDIO_REQUEUE`).
    Requeue,
    /// The target keeps it and sends it again (`DM_ENDIO_INCOMPLETE`).
    Queue,
}

impl BioEnd {
    /// Decides for a bio. If the verdict on `status` is [`PathVerdict::Fail`], the path has to be
    /// failed before `remaining` is taken.
    #[inline]
    pub(crate) const fn new(status: BlockStatus, remaining: Remaining) -> Self {
        match PathVerdict::of(status) {
            PathVerdict::Keep => Self::Done,
            PathVerdict::Fail if remaining.valid_paths != 0 => Self::Queue,
            PathVerdict::Fail => match remaining.no_path {
                NoPath::Queue => Self::Queue,
                NoPath::PushBack | NoPath::Requeue => Self::Requeue,
                NoPath::Kill => Self::DoneWithError,
            },
        }
    }
}
