// SPDX-License-Identifier: GPL-2.0

//! How a command ended: the host's verdict and the device's.
//!
//! C headers: [`include/scsi/scsi_status.h`](srctree/include/scsi/scsi_status.h),
//! [`include/scsi/scsi_proto.h`](srctree/include/scsi/scsi_proto.h)

use crate::bindings;

/// Bytes of a command's sense buffer (`SCSI_SENSE_BUFFERSIZE`).
pub const SENSE_LENGTH: usize = bindings::SCSI_SENSE_BUFFERSIZE as usize;

/// The host adapter's verdict (`enum scsi_host_status`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum HostByte {
    /// No error of the adapter or the transport.
    Ok = bindings::scsi_host_status_DID_OK,
    /// Nothing answers at the address, now and later.
    NoConnect = bindings::scsi_host_status_DID_NO_CONNECT,
    /// Nothing answers at the address.
    BadTarget = bindings::scsi_host_status_DID_BAD_TARGET,
    /// The command was aborted.
    Abort = bindings::scsi_host_status_DID_ABORT,
    /// An error of the adapter itself; the mid-layer retries.
    Error = bindings::scsi_host_status_DID_ERROR,
    /// A reset took the command back; the mid-layer retries.
    Reset = bindings::scsi_host_status_DID_RESET,
    /// The adapter asks for a retry without a count.
    Requeue = bindings::scsi_host_status_DID_REQUEUE,
}

/// The device's verdict (SAM-5, 5.3.1 "Status codes").
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum SamStatus {
    /// Done.
    Good = bindings::sam_status_SAM_STAT_GOOD,
    /// Sense data says more.
    CheckCondition = bindings::sam_status_SAM_STAT_CHECK_CONDITION,
    /// Try again later.
    Busy = bindings::sam_status_SAM_STAT_BUSY,
    /// Another initiator holds a reservation.
    ReservationConflict = bindings::sam_status_SAM_STAT_RESERVATION_CONFLICT,
    /// The device's queue is full.
    TaskSetFull = bindings::sam_status_SAM_STAT_TASK_SET_FULL,
}

/// How a command ended.
///
/// # Examples
///
/// ```ignore
/// command.complete(Status::GOOD);
/// command.complete(Status::sam(SamStatus::Busy));
/// command.complete(Status::host(HostByte::NoConnect));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Status(u32);

impl Status {
    /// No error of anyone.
    pub const GOOD: Self = Self(0);

    /// The adapter's verdict; the device gave none.
    #[inline]
    pub const fn host(byte: HostByte) -> Self {
        Self((byte as u32) << 16)
    }

    /// The device's verdict; the adapter is fine.
    #[inline]
    pub const fn sam(status: SamStatus) -> Self {
        Self(status as u32)
    }

    /// The value for `scsi_cmnd::result`.
    #[inline]
    pub(super) const fn as_result(self) -> i32 {
        // CAST: the host byte is below 0x80, so the sign bit stays clear.
        self.0 as i32
    }
}
