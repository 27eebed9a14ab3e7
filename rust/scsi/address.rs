// SPDX-License-Identifier: GPL-2.0

//! Where logical units are, and which of them a step of error handling is about.
//!
//! Source: `drivers/scsi/scsi_error.c`.

/// Where a logical unit is: channel, target id and LUN.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Address {
    /// Channel of the host.
    pub channel: u32,
    /// Target id on the channel.
    pub id: u32,
    /// Logical unit number.
    pub lun: u64,
}

/// The logical units whose commands the mid-layer ends when a step of error handling succeeds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Scope {
    /// Only the command that the step is for.
    Command,
    /// The command's logical unit.
    Device,
    /// The command's target id, on every channel: `scsi_eh_target_reset` compares ids only.
    Target,
    /// The command's channel.
    Channel,
    /// All of the host.
    Host,
}

impl Scope {
    /// Whether a step for a command at `victim` is about the other commands of the unit at `other`.
    pub(crate) fn covers(self, victim: Address, other: Address) -> bool {
        match self {
            Self::Command => false,
            Self::Device => other == victim,
            Self::Target => other.id == victim.id,
            Self::Channel => other.channel == victim.channel,
            Self::Host => true,
        }
    }
}
