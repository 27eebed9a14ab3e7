// SPDX-License-Identifier: GPL-2.0

//! A command's way to the firmware.

use crate::adapter::{
    ring,
    Adapter,
    Health, //
};
use crate::cdb::{
    self,
    BlockIo,
    Cdb, //
};
use crate::frame::{
    IoFrame,
    PassFrame,
    PassTo, //
};
use crate::reply_ring::Context;
use crate::sgl::Sge;
use crate::status::{
    TargetAddress,
    TargetKind, //
};
use kernel::device::{
    Bound,
    Device, //
};
use kernel::prelude::*;
use storage::dma::Slot;
use storage_scsi::{
    Command,
    Done,
    Flight,
    HostByte,
    Rejected,
    Reserved,
    Status,
    SENSE_LENGTH, //
};

/// Why a command does not get to the firmware.
enum Refused {
    /// Something is used up: the command comes again.
    Later,
    /// The command can never be sent.
    Never,
}

impl Adapter {
    /// Starts a command; see `LowLevelDriver::queue`.
    ///
    /// Its place in the in-flight table comes before its frame: the memory of a tag that the firmware still
    /// has is not written.
    #[inline]
    pub(crate) fn start<'c>(
        &self,
        dev: &Device<Bound>,
        command: Command<'c, Self>,
    ) -> Result<Done<'c>, Rejected<'c>> {
        if !self.is_operational() {
            return self.start_unhealthy(command);
        }
        let at = command.device().address();
        let Some(target) = TargetAddress::from_scsi(at.channel, at.id, at.lun) else {
            return Ok(command.complete(Status::host(HostByte::BadTarget)));
        };
        let reserved = match self.in_flight.reserve(command) {
            Ok(reserved) => reserved,
            Err(command) => return Err(command.reject_host_busy()),
        };
        let Some(frame) = self.frames.slot(reserved.flight().tag) else {
            return give_back(reserved, Refused::Never);
        };
        if target.kind() == TargetKind::Logical {
            if let Some(io) = BlockIo::decode(reserved.command().cdb()) {
                return self.start_block_io(dev, reserved, &frame, target, io);
            }
        }
        self.start_pass_through(dev, reserved, &frame, target)
    }

    #[cold]
    fn start_unhealthy<'c>(&self, command: Command<'c, Self>) -> Result<Done<'c>, Rejected<'c>> {
        match self.health() {
            Health::Operational | Health::Resetting => Err(command.reject_host_busy()),
            Health::Dead => Ok(command.complete(Status::host(HostByte::NoConnect))),
        }
    }

    /// A read or write of a logical drive.
    #[inline]
    fn start_block_io<'c>(
        &self,
        dev: &Device<Bound>,
        mut reserved: Reserved<'c, '_, Self>,
        frame: &Slot<'_>,
        target: TargetAddress,
        io: BlockIo,
    ) -> Result<Done<'c>, Rejected<'c>> {
        let sge_count = match self.write_sges(&mut reserved, frame, IoFrame::BYTES) {
            Ok(count) => count,
            Err(refused) => return give_back(reserved, refused),
        };
        let (sense_addr, sense_len) = self.sense_room(frame);
        self.post(dev, reserved, frame, sge_count, |context| {
            IoFrame {
                direction: io.direction,
                target: target.target(),
                context,
                flags: self.limits.format.flags(),
                sge_count,
                timeout: 0,
                lba: io.lba,
                blocks: io.blocks,
                sense_addr,
                sense_len,
            }
            .encode()
        })
    }

    /// Any other command, which goes to its target as it is.
    fn start_pass_through<'c>(
        &self,
        dev: &Device<Bound>,
        mut reserved: Reserved<'c, '_, Self>,
        frame: &Slot<'_>,
        target: TargetAddress,
    ) -> Result<Done<'c>, Rejected<'c>> {
        // A CDB that the firmware cannot take must not be cut: the command fails.
        let Some(cdb) = Cdb::new(reserved.command().cdb()) else {
            return give_back(reserved, Refused::Never);
        };
        let sge_count = match self.write_sges(&mut reserved, frame, PassFrame::BYTES) {
            Ok(count) => count,
            Err(refused) => return give_back(reserved, refused),
        };
        let direction = match reserved.command().direction() {
            storage_scsi::Direction::None => None,
            storage_scsi::Direction::FromDevice => Some(cdb::Direction::Read),
            storage_scsi::Direction::ToDevice => Some(cdb::Direction::Write),
        };
        let data_len = reserved.command().transfer_length();
        let (sense_addr, sense_len) = self.sense_room(frame);
        self.post(dev, reserved, frame, sge_count, |context| {
            PassFrame {
                to: match target.kind() {
                    TargetKind::Logical => PassTo::Logical,
                    TargetKind::Physical => PassTo::Physical,
                },
                target: target.target(),
                lun: target.lun(),
                context,
                flags: self.limits.format.flags(),
                sge_count,
                timeout: 0,
                direction,
                data_len,
                sense_addr,
                sense_len,
                cdb,
            }
            .encode()
        })
    }

    /// Where the firmware puts sense data, and how many bytes of them.
    #[inline]
    fn sense_room(&self, frame: &Slot<'_>) -> (u64, u8) {
        // CAST: SENSE_LENGTH is 96.
        (
            frame.address() + self.sense_offset() as u64,
            SENSE_LENGTH as u8,
        )
    }

    /// Writes the frame, moves the command into the in-flight table and rings the doorbell.
    #[inline]
    fn post<'c, const WORDS: usize>(
        &self,
        dev: &Device<Bound>,
        reserved: Reserved<'c, '_, Self>,
        frame: &Slot<'_>,
        sge_count: u8,
        encode: impl FnOnce(Context) -> [u32; WORDS],
    ) -> Result<Done<'c>, Rejected<'c>> {
        let Flight { tag, generation } = reserved.flight();
        let written = match Context::new(tag, generation) {
            Some(context) => frame.write(0, encode(context)),
            None => Err(EINVAL),
        };
        if written.is_err() {
            return give_back(reserved, Refused::Never);
        }
        let header = WORDS * size_of::<u32>();
        let extra = self
            .limits
            .format
            .extra_units(header, usize::from(sge_count));
        Ok(reserved.post(|posting| self.ring_doorbell(dev, frame, extra, posting)))
    }

    /// Writes the scatter list behind a frame's fixed part; returns the number of entries.
    #[inline]
    fn write_sges(
        &self,
        reserved: &mut Reserved<'_, '_, Self>,
        frame: &Slot<'_>,
        header: usize,
    ) -> Result<u8, Refused> {
        let mut offset = header;
        let mut count = 0u8;
        let command = reserved.command_mut();
        for segment in command.map_data().map_err(|_| Refused::Later)? {
            if count >= self.limits.sges.get() {
                return Err(Refused::Never);
            }
            self.write_sge(frame, offset, segment.address, segment.length)
                .map_err(|_| Refused::Never)?;
            offset += self.limits.format.bytes();
            count += 1;
        }
        if count == 0 {
            // The firmware answers a frame without an entry with a hardware error.
            let scratch = self.ring.slot(0).ok_or(Refused::Never)?.address() + ring::SCRATCH as u64;
            self.write_sge(frame, offset, scratch, ring::SCRATCH_BYTES)
                .map_err(|_| Refused::Never)?;
            count = 1;
        }
        Ok(count)
    }

    /// Writes one entry of a scatter list.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the entry is empty or out of reach, or does not fit the frame.
    #[inline]
    pub(crate) fn write_sge(
        &self,
        frame: &Slot<'_>,
        offset: usize,
        address: u64,
        length: u32,
    ) -> Result {
        match self.limits.format.encode(address, length) {
            Ok(Sge::Sge32(words)) => frame.write(offset, words),
            Ok(Sge::Sge64(words)) => frame.write(offset, words),
            Ok(Sge::Ieee(words)) => frame.write(offset, words),
            Err(_) => Err(EINVAL),
        }
    }
}

#[cold]
fn give_back<'c>(
    reserved: Reserved<'c, '_, Adapter>,
    refused: Refused,
) -> Result<Done<'c>, Rejected<'c>> {
    let command = reserved.cancel();
    match refused {
        Refused::Later => Err(command.reject_host_busy()),
        Refused::Never => Ok(command.complete(Status::host(HostByte::Error))),
    }
}
