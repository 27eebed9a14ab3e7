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
use storage::scsi::{
    Command,
    HostByte,
    Rejected,
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
    #[inline]
    pub(crate) fn start(
        &self,
        dev: &Device<Bound>,
        command: Command<Self>,
    ) -> Result<(), Rejected<Self>> {
        if !self.is_operational() {
            return self.start_unhealthy(command);
        }
        let at = command.device().address();
        let Some(target) = TargetAddress::from_scsi(at.channel, at.id, at.lun) else {
            command.complete(Status::host(HostByte::BadTarget));
            return Ok(());
        };
        let Some(frame) = self.frames.slot(command.tag()) else {
            command.complete(Status::host(HostByte::Error));
            return Ok(());
        };
        if target.kind() == TargetKind::Logical {
            if let Some(io) = BlockIo::decode(command.cdb()) {
                return self.start_block_io(dev, command, &frame, target, io);
            }
        }
        self.start_pass_through(dev, command, &frame, target)
    }

    #[cold]
    fn start_unhealthy(&self, command: Command<Self>) -> Result<(), Rejected<Self>> {
        match self.health() {
            Health::Operational | Health::Resetting => Err(command.reject_host_busy()),
            Health::Dead => {
                command.complete(Status::host(HostByte::NoConnect));
                Ok(())
            }
        }
    }

    /// A read or write of a logical drive.
    #[inline]
    fn start_block_io(
        &self,
        dev: &Device<Bound>,
        mut command: Command<Self>,
        frame: &Slot<'_>,
        target: TargetAddress,
        io: BlockIo,
    ) -> Result<(), Rejected<Self>> {
        let sge_count = match self.write_sges(&mut command, frame, IoFrame::BYTES) {
            Ok(count) => count,
            Err(refused) => return give_back(command, refused),
        };
        let (sense_addr, sense_len) = self.sense_room(frame);
        self.post(dev, command, frame, sge_count, |context| {
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
    fn start_pass_through(
        &self,
        dev: &Device<Bound>,
        mut command: Command<Self>,
        frame: &Slot<'_>,
        target: TargetAddress,
    ) -> Result<(), Rejected<Self>> {
        // A CDB that the firmware cannot take must not be cut: the command fails.
        let Some(cdb) = Cdb::new(command.cdb()) else {
            return give_back(command, Refused::Never);
        };
        let sge_count = match self.write_sges(&mut command, frame, PassFrame::BYTES) {
            Ok(count) => count,
            Err(refused) => return give_back(command, refused),
        };
        let direction = match command.direction() {
            storage::scsi::Direction::None => None,
            storage::scsi::Direction::FromDevice => Some(cdb::Direction::Read),
            storage::scsi::Direction::ToDevice => Some(cdb::Direction::Write),
        };
        let data_len = command.transfer_length();
        let (sense_addr, sense_len) = self.sense_room(frame);
        self.post(dev, command, frame, sge_count, |context| {
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

    /// Moves the command into the in-flight table, writes its frame and rings the doorbell.
    #[inline]
    fn post<const WORDS: usize>(
        &self,
        dev: &Device<Bound>,
        command: Command<Self>,
        frame: &Slot<'_>,
        sge_count: u8,
        encode: impl FnOnce(Context) -> [u32; WORDS],
    ) -> Result<(), Rejected<Self>> {
        let flight = match self.in_flight.launch(command) {
            Ok(flight) => flight,
            Err(command) => return Err(command.reject_host_busy()),
        };
        let written = match Context::new(flight.tag, flight.generation) {
            Some(context) => frame.write(0, encode(context)),
            None => Err(EINVAL),
        };
        if written.is_err() {
            // The firmware has not seen it.
            if let Some(command) = self.in_flight.land(flight) {
                command.complete(Status::host(HostByte::Error));
            }
            return Ok(());
        }
        let header = WORDS * size_of::<u32>();
        let extra = self
            .limits
            .format
            .extra_units(header, usize::from(sge_count));
        self.ring_doorbell(dev, frame, extra);
        Ok(())
    }

    /// Writes the scatter list behind a frame's fixed part; returns the number of entries.
    #[inline]
    fn write_sges(
        &self,
        command: &mut Command<Self>,
        frame: &Slot<'_>,
        header: usize,
    ) -> Result<u8, Refused> {
        let mut offset = header;
        let mut count = 0u8;
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
fn give_back(command: Command<Adapter>, refused: Refused) -> Result<(), Rejected<Adapter>> {
    match refused {
        Refused::Later => Err(command.reject_host_busy()),
        Refused::Never => {
            command.complete(Status::host(HostByte::Error));
            Ok(())
        }
    }
}
