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

impl Adapter {
    /// Starts a command; see `LowLevelDriver::queue`.
    #[inline]
    pub(crate) fn start(
        &self,
        dev: &Device<Bound>,
        mut command: Command<Self>,
    ) -> Result<(), Rejected<Self>> {
        match self.health() {
            Health::Operational => {}
            Health::Resetting => return Err(command.reject_host_busy()),
            Health::Dead => {
                command.complete(Status::host(HostByte::NoConnect));
                return Ok(());
            }
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
        let block_io = match target.kind() {
            TargetKind::Logical => BlockIo::decode(command.cdb()),
            TargetKind::Physical => None,
        };
        let header = match block_io {
            Some(_) => IoFrame::BYTES,
            None => PassFrame::BYTES,
        };
        let Ok(sges) = self.write_sges(&mut command, &frame, header) else {
            return Err(command.reject_host_busy());
        };
        let direction = match command.direction() {
            storage::scsi::Direction::None => None,
            storage::scsi::Direction::FromDevice => Some(cdb::Direction::Read),
            storage::scsi::Direction::ToDevice => Some(cdb::Direction::Write),
        };
        let data_len = command.transfer_length();
        // A CDB that the firmware cannot take must not be cut: the command fails.
        let pass_cdb = match block_io {
            Some(_) => None,
            None => match Cdb::new(command.cdb()) {
                Some(cdb) => Some(cdb),
                None => {
                    command.complete(Status::host(HostByte::Error));
                    return Ok(());
                }
            },
        };
        let flight = match self.in_flight.launch(command) {
            Ok(flight) => flight,
            Err(command) => return Err(command.reject_host_busy()),
        };
        let sense_addr = frame.address() + self.sense_offset() as u64;
        // CAST: SENSE_LENGTH is 96.
        let sense_len = SENSE_LENGTH as u8;
        let written = Context::new(flight.tag, flight.generation)
            .ok_or(EINVAL)
            .and_then(|context| match (block_io, pass_cdb) {
                (Some(io), _) => {
                    let io = IoFrame {
                        direction: io.direction,
                        target: target.target(),
                        context,
                        flags: self.limits.format.flags(),
                        sge_count: sges,
                        timeout: 0,
                        lba: io.lba,
                        blocks: io.blocks,
                        sense_addr,
                        sense_len,
                    };
                    frame.write(0, &io.encode())
                }
                (None, Some(cdb)) => {
                    let pass = PassFrame {
                        to: match target.kind() {
                            TargetKind::Logical => PassTo::Logical,
                            TargetKind::Physical => PassTo::Physical,
                        },
                        target: target.target(),
                        lun: target.lun(),
                        context,
                        flags: self.limits.format.flags(),
                        sge_count: sges,
                        timeout: 0,
                        direction,
                        data_len,
                        sense_addr,
                        sense_len,
                        cdb,
                    };
                    frame.write(0, &pass.encode())
                }
                (None, None) => Err(EINVAL),
            });
        if written.is_err() {
            // The firmware has not seen it.
            if let Some(command) = self.in_flight.land(flight) {
                command.complete(Status::host(HostByte::Error));
            }
            return Ok(());
        }
        let extra = self.limits.format.extra_units(header, usize::from(sges));
        self.ring_doorbell(dev, &frame, extra);
        Ok(())
    }

    /// Writes the scatter list behind a frame's fixed part; returns the number of entries.
    #[inline]
    fn write_sges(
        &self,
        command: &mut Command<Self>,
        frame: &Slot<'_>,
        header: usize,
    ) -> Result<u8> {
        let format = self.limits.format;
        let mut offset = header;
        let mut count = 0u8;
        for segment in command.map_data()? {
            if count >= self.limits.sges.get() {
                return Err(EINVAL);
            }
            let sge = format
                .encode(segment.address, segment.length)
                .map_err(|_| EINVAL)?;
            frame.write(offset, sge.as_words())?;
            offset += format.bytes();
            count += 1;
        }
        if count == 0 {
            // The firmware answers a frame without an entry with a hardware error.
            let scratch = self.ring.slot(0).ok_or(EINVAL)?.address() + ring::SCRATCH as u64;
            let sge = format
                .encode(scratch, ring::SCRATCH_BYTES)
                .map_err(|_| EINVAL)?;
            frame.write(offset, sge.as_words())?;
            count = 1;
        }
        Ok(count)
    }
}
