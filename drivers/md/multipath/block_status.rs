// SPDX-License-Identifier: GPL-2.0

//! What the block status of a finished I/O means for its path, and for the I/O.
//!
//! Source: `include/linux/blk_types.h` (`blk_path_error`), `multipath_end_io` and
//! `multipath_end_io_bio` in `drivers/md/dm-mpath.c`.

use super::map::NoPath;

/// A block status (`blk_status_t`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum BlockStatus {
    /// Done.
    Ok,
    /// The device does not know the operation.
    NotSupp,
    /// The command took too long.
    Timeout,
    /// The device is full.
    NoSpc,
    /// The transport failed.
    Transport,
    /// The target failed, on every path.
    Target,
    /// Another initiator has reserved the unit.
    ResvConflict,
    /// A medium error.
    Medium,
    /// Protection information does not agree.
    Protection,
    /// The system has run out of something.
    Resource,
    /// Any other error.
    IoErr,
    /// Device-mapper's own: put back.
    DmRequeue,
    /// The I/O would block.
    Again,
    /// The device has run out of something, and says when it is back.
    DevResource,
    /// Too many open zones.
    ZoneOpenResource,
    /// Too many active zones.
    ZoneActiveResource,
    /// The device is offline, or goes offline.
    Offline,
    /// A command duration limit was exceeded, and the I/O asked to be ended then. The C target fails the path for
    /// it, and sends the I/O again.
    DurationLimit,
    /// Size or alignment is invalid, or the I/O cannot be split as required. The C target fails the path for
    /// it, though the I/O never reached the path.
    Inval,
    /// A status that this kernel's header does not have.
    Unknown(u8),
}

/// What is to be done with the path that an I/O came back from.
#[must_use]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum PathVerdict {
    /// The path is good: the I/O is done, or its error would be the same on every path.
    Keep,
    /// The path is to be failed, and the I/O may be tried on another.
    Fail,
}

impl BlockStatus {
    /// The status of a `blk_status_t`; any value is one.
    #[inline]
    pub(crate) const fn from_u8(value: u8) -> Self {
        match value {
            0 => Self::Ok,
            1 => Self::NotSupp,
            2 => Self::Timeout,
            3 => Self::NoSpc,
            4 => Self::Transport,
            5 => Self::Target,
            6 => Self::ResvConflict,
            7 => Self::Medium,
            8 => Self::Protection,
            9 => Self::Resource,
            10 => Self::IoErr,
            11 => Self::DmRequeue,
            12 => Self::Again,
            13 => Self::DevResource,
            14 => Self::ZoneOpenResource,
            15 => Self::ZoneActiveResource,
            16 => Self::Offline,
            17 => Self::DurationLimit,
            19 => Self::Inval,
            other => Self::Unknown(other),
        }
    }

    /// Whether the path is to blame.
    #[inline]
    pub(crate) const fn verdict(self) -> PathVerdict {
        match self {
            Self::Ok
            | Self::NotSupp
            | Self::NoSpc
            | Self::Target
            | Self::ResvConflict
            | Self::Medium
            | Self::Protection
            | Self::DurationLimit
            | Self::Inval => PathVerdict::Keep,
            Self::Timeout
            | Self::Transport
            | Self::Resource
            | Self::IoErr
            | Self::DmRequeue
            | Self::Again
            | Self::DevResource
            | Self::ZoneOpenResource
            | Self::ZoneActiveResource
            | Self::Offline
            | Self::Unknown(_) => PathVerdict::Fail,
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
    /// Decides for a request. If the verdict of `status` is [`PathVerdict::Fail`], the path has to
    /// be failed before `remaining` is taken.
    #[inline]
    pub(crate) const fn new(status: BlockStatus, remaining: Remaining) -> Self {
        match status.verdict() {
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
    /// Decides for a bio. If the verdict of `status` is [`PathVerdict::Fail`], the path has to be
    /// failed before `remaining` is taken.
    #[inline]
    pub(crate) const fn new(status: BlockStatus, remaining: Remaining) -> Self {
        match status.verdict() {
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
