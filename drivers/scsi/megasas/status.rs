// SPDX-License-Identifier: GPL-2.0

//! Statuses: what a finished command means for the SCSI layer, and how targets are numbered.
//!
//! Source: `enum MFI_STAT` in `drivers/scsi/megaraid/megaraid_sas.h`, `megasas_complete_cmd` in
//! `megaraid_sas_base.c`; SAM-5 for the SCSI statuses.

/// The status that the firmware gives a frame (`MFI_STAT_*`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct MfiStatus(u8);

impl MfiStatus {
    /// Done.
    pub(crate) const OK: Self = Self(0x00);
    /// There is no such target.
    pub(crate) const DEVICE_NOT_FOUND: Self = Self(0x0c);
    /// The logical drive is being initialised.
    pub(crate) const LD_INIT_IN_PROGRESS: Self = Self(0x18);
    /// The target finished the command with a SCSI status other than GOOD.
    pub(crate) const SCSI_DONE_WITH_ERROR: Self = Self(0x2d);
    /// The command failed, or was aborted.
    pub(crate) const SCSI_IO_FAILED: Self = Self(0x2e);
    /// The target is reserved for another initiator.
    pub(crate) const SCSI_RESERVATION_CONFLICT: Self = Self(0x2f);
    /// The logical drive is offline.
    pub(crate) const LD_OFFLINE: Self = Self(0x33);
    /// Not answered yet: the driver writes this, the firmware replaces it.
    pub(crate) const INVALID: Self = Self(0xff);

    /// The status of a frame's third byte; any value is one.
    #[inline]
    pub(crate) const fn from_u8(value: u8) -> Self {
        Self(value)
    }

    /// The value in the frame.
    #[inline]
    pub(crate) const fn as_u8(self) -> u8 {
        self.0
    }
}

/// The status that the target gives a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ScsiStatus(u8);

impl ScsiStatus {
    /// Done.
    pub(crate) const GOOD: Self = Self(0x00);
    /// There are sense data.
    pub(crate) const CHECK_CONDITION: Self = Self(0x02);
    /// Done, and a condition that the command asked for is met.
    pub(crate) const CONDITION_MET: Self = Self(0x04);
    /// Try again later.
    pub(crate) const BUSY: Self = Self(0x08);
    /// Reserved for another initiator.
    pub(crate) const RESERVATION_CONFLICT: Self = Self(0x18);
    /// The target has too many commands.
    pub(crate) const TASK_SET_FULL: Self = Self(0x28);
    /// Another initiator aborted the command.
    pub(crate) const TASK_ABORTED: Self = Self(0x40);

    /// The status of a frame's fourth byte; any value is one.
    #[inline]
    pub(crate) const fn from_u8(value: u8) -> Self {
        Self(value)
    }

    /// The value in the frame.
    #[inline]
    pub(crate) const fn as_u8(self) -> u8 {
        self.0
    }
}

/// What a finished SCSI command means for the SCSI layer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    /// Done, without error.
    Good,
    /// The target has something to say: hand up the sense data.
    CheckCondition,
    /// Try again later.
    Busy,
    /// Another initiator has reserved the target.
    ReservationConflict,
    /// The target has too many commands.
    TaskSetFull,
    /// The target is not there, or not any more.
    NoConnect,
    /// The command failed or was aborted.
    Error,
    /// A status that means nothing for a SCSI command: an error, worth a line in a debug log. It
    /// is the firmware's status unless that says that the target's counts.
    Unknown(u8),
}

impl Outcome {
    /// The outcome for any two statuses.
    ///
    /// The SCSI status counts even if the firmware says OK: a command is good only if neither
    /// status objects.
    #[inline]
    pub(crate) const fn new(cmd: MfiStatus, scsi: ScsiStatus) -> Self {
        match (cmd, scsi) {
            (MfiStatus::OK, ScsiStatus::GOOD | ScsiStatus::CONDITION_MET) => Self::Good,
            // The firmware objects without the target saying why.
            (MfiStatus::SCSI_DONE_WITH_ERROR, ScsiStatus::GOOD | ScsiStatus::CONDITION_MET) => {
                Self::Error
            }
            (MfiStatus::OK | MfiStatus::SCSI_DONE_WITH_ERROR, status) => Self::of_target(status),
            (MfiStatus::SCSI_RESERVATION_CONFLICT, _) => Self::ReservationConflict,
            (MfiStatus::DEVICE_NOT_FOUND | MfiStatus::LD_OFFLINE, _) => Self::NoConnect,
            (
                MfiStatus::SCSI_IO_FAILED | MfiStatus::LD_INIT_IN_PROGRESS | MfiStatus::INVALID,
                _,
            ) => Self::Error,
            (other, _) => Self::Unknown(other.as_u8()),
        }
    }

    const fn of_target(status: ScsiStatus) -> Self {
        match status {
            ScsiStatus::CHECK_CONDITION => Self::CheckCondition,
            ScsiStatus::BUSY => Self::Busy,
            ScsiStatus::RESERVATION_CONFLICT => Self::ReservationConflict,
            ScsiStatus::TASK_SET_FULL => Self::TaskSetFull,
            ScsiStatus::TASK_ABORTED => Self::Error,
            other => Self::Unknown(other.as_u8()),
        }
    }
}

/// The kind of a target.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TargetKind {
    /// A physical drive: channels 0 and 1.
    Physical,
    /// A logical drive: channels 2 and 3.
    Logical,
}

/// A target as the firmware names it.
///
/// Channels of the host are 128 ids wide; two of them together hold the 256 target ids of a kind.
///
/// # Invariants
///
/// `lun` is below [`TargetAddress::MAX_LUN`], and zero for a logical drive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TargetAddress {
    kind: TargetKind,
    target: u8,
    lun: u8,
}

impl TargetAddress {
    /// Channels of the host.
    pub(crate) const CHANNELS: u32 = 4;

    /// Ids of a channel.
    pub(crate) const IDS_PER_CHANNEL: u32 = 1 << Self::ID_BITS;

    const ID_BITS: u32 = 7;

    /// Logical units of a target.
    pub(crate) const MAX_LUN: u8 = 8;

    /// The first channel of logical drives.
    const FIRST_LOGICAL_CHANNEL: u32 = 2;

    /// A logical drive by its target id.
    #[inline]
    pub(crate) const fn logical(target: u8) -> Self {
        // INVARIANT: the unit is zero.
        Self {
            kind: TargetKind::Logical,
            target,
            lun: 0,
        }
    }

    /// A unit of a physical drive by its target id; [`None`] if there can be no such unit.
    #[inline]
    pub(crate) const fn physical(target: u8, lun: u8) -> Option<Self> {
        if lun >= Self::MAX_LUN {
            return None;
        }
        // INVARIANT: just checked.
        Some(Self {
            kind: TargetKind::Physical,
            target,
            lun,
        })
    }

    /// The target at an address of the host; [`None`] if there can be none.
    #[inline]
    pub(crate) const fn from_scsi(channel: u32, id: u32, lun: u64) -> Option<Self> {
        if channel >= Self::CHANNELS || id >= Self::IDS_PER_CHANNEL || lun >= Self::MAX_LUN as u64 {
            return None;
        }
        // All three fit: the id has seven bits, the odd channel adds the eighth.
        let target = (((channel & 1) << Self::ID_BITS) | id) as u8;
        if channel < Self::FIRST_LOGICAL_CHANNEL {
            Self::physical(target, lun as u8)
        } else if lun == 0 {
            Some(Self::logical(target))
        } else {
            None
        }
    }

    /// The kind of the target.
    #[inline]
    pub(crate) const fn kind(self) -> TargetKind {
        self.kind
    }

    /// The firmware's target id.
    #[inline]
    pub(crate) const fn target(self) -> u8 {
        self.target
    }

    /// The unit, below [`TargetAddress::MAX_LUN`].
    #[inline]
    pub(crate) const fn lun(self) -> u8 {
        self.lun
    }

    /// The host's channel.
    #[cfg(test)]
    pub(crate) const fn channel(self) -> u32 {
        let first = match self.kind {
            TargetKind::Physical => 0,
            TargetKind::Logical => Self::FIRST_LOGICAL_CHANNEL,
        };
        first | (self.target as u32 >> Self::ID_BITS)
    }

    /// The id in the channel.
    #[cfg(test)]
    pub(crate) const fn id(self) -> u32 {
        self.target as u32 & (Self::IDS_PER_CHANNEL - 1)
    }
}
