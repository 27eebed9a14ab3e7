// SPDX-License-Identifier: GPL-2.0

//! How a block I/O ended.
//!
//! C header: [`include/linux/blk_types.h`](srctree/include/linux/blk_types.h)

/// The status of a block I/O (`blk_status_t`), every value of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum BlockStatus {
    /// Done.
    Ok = 0,
    /// The device does not do this.
    NotSupported = 1,
    /// Time is over.
    Timeout = 2,
    /// No space left on a thinly provisioned device.
    NoSpace = 3,
    /// The transport failed.
    Transport = 4,
    /// The target failed for good.
    Target = 5,
    /// Another initiator holds a reservation.
    ReservationConflict = 6,
    /// The medium is bad there.
    Medium = 7,
    /// Protection information does not match the data.
    Protection = 8,
    /// No memory or other resource of the system.
    Resource = 9,
    /// Any other error.
    IoError = 10,
    /// Device-mapper's own: again, when the table is back.
    DmRequeue = 11,
    /// It would have had to wait, and must not.
    Again = 12,
    /// No resource of the device; it will say when there is one.
    DeviceResource = 13,
    /// Too many open zones.
    ZoneOpenResource = 14,
    /// Too many active zones.
    ZoneActiveResource = 15,
    /// The device is offline.
    Offline = 16,
    /// The command's duration limit is over.
    DurationLimit = 17,
    /// The I/O itself is invalid.
    Invalid = 19,
}

impl BlockStatus {
    /// The status of a C value. Values that this kernel does not have are [`BlockStatus::IoError`].
    #[inline]
    pub(super) const fn from_raw(raw: u8) -> Self {
        match raw {
            0 => Self::Ok,
            1 => Self::NotSupported,
            2 => Self::Timeout,
            3 => Self::NoSpace,
            4 => Self::Transport,
            5 => Self::Target,
            6 => Self::ReservationConflict,
            7 => Self::Medium,
            8 => Self::Protection,
            9 => Self::Resource,
            11 => Self::DmRequeue,
            12 => Self::Again,
            13 => Self::DeviceResource,
            14 => Self::ZoneOpenResource,
            15 => Self::ZoneActiveResource,
            16 => Self::Offline,
            17 => Self::DurationLimit,
            19 => Self::Invalid,
            _ => Self::IoError,
        }
    }

    /// The C value.
    #[inline]
    pub(super) const fn as_raw(self) -> u8 {
        self as u8
    }
}
