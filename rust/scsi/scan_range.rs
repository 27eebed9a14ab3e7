// SPDX-License-Identifier: GPL-2.0

//! Which addresses a scan from user space is about: pure arithmetic.
//!
//! Source: `scsi_scan_host_selected` in `drivers/scsi/scsi_scan.c`.

use core::ops::Range;

/// What a host has: channels up to `max_channel`, ids and LUNs below `max_id` and `max_lun`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Bounds {
    pub(crate) max_channel: u32,
    pub(crate) max_id: u32,
    pub(crate) max_lun: u64,
}

/// The addresses that user space asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ScanRange {
    channels: Range<u32>,
    ids: Range<u32>,
    /// `None`: all LUNs below the bound.
    lun: Option<u64>,
    max_lun: u64,
}

impl ScanRange {
    /// In place of a channel or an id: all of them (`SCAN_WILD_CARD`).
    pub(crate) const ANY: u32 = u32::MAX;
    /// In place of a LUN: all of them (`SCAN_WILD_CARD`).
    pub(crate) const ANY_LUN: u64 = u64::MAX;

    /// `None` if a number is beyond what the host has.
    pub(crate) fn new(bounds: Bounds, channel: u32, id: u32, lun: u64) -> Option<Self> {
        let select = |wanted: u32, end: u32| match wanted {
            Self::ANY => Some(0..end),
            wanted if wanted < end => Some(wanted..wanted + 1),
            _ => None,
        };
        Some(Self {
            channels: select(channel, bounds.max_channel.saturating_add(1))?,
            ids: select(id, bounds.max_id)?,
            lun: match lun {
                Self::ANY_LUN => None,
                lun if lun < bounds.max_lun => Some(lun),
                _ => return None,
            },
            max_lun: bounds.max_lun,
        })
    }

    /// Whether a logical unit is meant.
    pub(crate) fn contains(&self, channel: u32, id: u32, lun: u64) -> bool {
        self.channels.contains(&channel)
            && self.ids.contains(&id)
            && self.lun.map_or(lun < self.max_lun, |wanted| lun == wanted)
    }

    /// The targets that are meant, as channel and id, in the order of a scan.
    pub(crate) fn targets(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.channels
            .clone()
            .flat_map(|channel| self.ids.clone().map(move |id| (channel, id)))
    }

    /// The LUN to scan for, or [`ScanRange::ANY_LUN`].
    pub(crate) fn lun(&self) -> u64 {
        self.lun.unwrap_or(Self::ANY_LUN)
    }
}
