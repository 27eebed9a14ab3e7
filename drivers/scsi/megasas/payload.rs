// SPDX-License-Identifier: GPL-2.0

//! What direct commands return: the controller's properties, the lists of drives.
//!
//! Everything is parsed from a copy that the device cannot change any more. Counts in it come from
//! the device: they never reach past the copy.
//!
//! Source: `megasas_ctrl_info`, `MR_LD_LIST` and `MR_PD_LIST` in
//! `drivers/scsi/megaraid/megaraid_sas.h`.

use core::str;

/// The `N` bytes at `offset`; [`None`] past the end.
fn field<const N: usize>(data: &[u8], offset: usize) -> Option<[u8; N]> {
    data.get(offset..)?.first_chunk().copied()
}

fn u16_at(data: &[u8], offset: usize) -> Option<u16> {
    field(data, offset).map(u16::from_le_bytes)
}

fn u32_at(data: &[u8], offset: usize) -> Option<u32> {
    field(data, offset).map(u32::from_le_bytes)
}

fn u64_at(data: &[u8], offset: usize) -> Option<u64> {
    field(data, offset).map(u64::from_le_bytes)
}

/// A string that the firmware wrote, in printable ASCII.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Text<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> Text<N> {
    /// Ends at the first NUL; trailing spaces are cut off, what cannot be printed becomes `?`.
    fn new(mut bytes: [u8; N]) -> Self {
        let mut len = 0;
        for (index, byte) in bytes.iter_mut().enumerate() {
            match *byte {
                0 => break,
                b' ' => continue,
                b'!'..=b'~' => (),
                _ => *byte = b'?',
            }
            len = index.saturating_add(1);
        }
        Self { bytes, len }
    }

    fn at(data: &[u8], offset: usize) -> Option<Self> {
        field(data, offset).map(Self::new)
    }

    /// The string.
    pub(crate) fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..self.len).unwrap_or_default();
        str::from_utf8(bytes).unwrap_or_default()
    }
}

/// What the driver uses of the answer to [`Opcode::CTRL_GET_INFO`].
///
/// [`Opcode::CTRL_GET_INFO`]: super::dcmd::Opcode::CTRL_GET_INFO
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ControllerInfo {
    /// Product name.
    pub(crate) product: Text<80>,
    /// Serial number of the board.
    pub(crate) serial: Text<32>,
    /// Version of the firmware package.
    pub(crate) package: Text<96>,
    /// Version of the firmware itself.
    pub(crate) firmware: Text<32>,
    /// Logical drives that the controller can have.
    pub(crate) max_lds: u8,
    /// Commands that the controller takes at a time.
    pub(crate) max_commands: u16,
    /// Entries that it takes in a scatter list.
    pub(crate) max_sges: u16,
    /// Sectors of 512 bytes that it takes in a command; zero if it does not say.
    pub(crate) max_request: u32,
    /// Strips that it takes in a command; zero if it does not say.
    pub(crate) max_strips: u16,
    /// Binary logarithm of the sectors in the shortest strip.
    pub(crate) min_strip_shift: u8,
    /// Logical drives that are present.
    pub(crate) lds_present: u16,
    /// Physical devices that are present.
    pub(crate) pds_present: u16,
    /// Memory of the controller in MiB.
    pub(crate) memory_mib: u16,
    switches: u32,
}

impl ControllerInfo {
    /// Bytes that the firmware wants the buffer to have.
    pub(crate) const BYTES: usize = 2048;

    const COMPONENT_COUNT: usize = 0x0b4;
    const COMPONENTS: usize = 0x0b8;
    const COMPONENT_BYTES: usize = 72;
    const COMPONENT_VERSION: usize = 8;
    const MAX_COMPONENTS: u32 = 8;
    const MAX_LDS: usize = 0x53f;
    const PRODUCT: usize = 0x540;
    const SERIAL: usize = 0x590;
    const MAX_COMMANDS: usize = 0x5b8;
    const MAX_SGES: usize = 0x5ba;
    const MAX_REQUEST: usize = 0x5bc;
    const LDS_PRESENT: usize = 0x5c0;
    const PDS_PRESENT: usize = 0x5c6;
    const MEMORY: usize = 0x5d0;
    const MAX_STRIPS: usize = 0x5da;
    const MIN_STRIP: usize = 0x5e8;
    const SWITCHES: usize = 0x620;
    const PACKAGE: usize = 0x640;

    const SWITCH_NO_ONLINE_RESET: u32 = 1 << 10;
    const SWITCH_JBOD: u32 = 1 << 13;

    /// The component that is the firmware itself.
    const FIRMWARE: &'static [u8] = b"APP";

    /// Sectors of 512 bytes in a page, which is what an entry of a scatter list moves at least.
    const SECTORS_PER_SGE: u32 = 8;

    /// Parses an answer; [`None`] if it is too short.
    pub(crate) fn parse(data: &[u8]) -> Option<Self> {
        Some(Self {
            product: Text::at(data, Self::PRODUCT)?,
            serial: Text::at(data, Self::SERIAL)?,
            package: Text::at(data, Self::PACKAGE)?,
            firmware: Self::firmware(data).unwrap_or(Text::new([0; 32])),
            max_lds: *data.get(Self::MAX_LDS)?,
            max_commands: u16_at(data, Self::MAX_COMMANDS)?,
            max_sges: u16_at(data, Self::MAX_SGES)?,
            max_request: u32_at(data, Self::MAX_REQUEST)?,
            max_strips: u16_at(data, Self::MAX_STRIPS)?,
            min_strip_shift: *data.get(Self::MIN_STRIP)?,
            lds_present: u16_at(data, Self::LDS_PRESENT)?,
            pds_present: u16_at(data, Self::PDS_PRESENT)?,
            memory_mib: u16_at(data, Self::MEMORY)?,
            switches: u32_at(data, Self::SWITCHES)?,
        })
    }

    /// The longest command in sectors of 512 bytes, for a driver that builds scatter lists of
    /// `max_sges` entries.
    ///
    /// Never zero for a list that has entries: firmware that does not know its limits says zero.
    pub(crate) fn max_sectors(&self, max_sges: u32) -> u32 {
        let by_list = max_sges.saturating_mul(Self::SECTORS_PER_SGE);
        let by_strips = 1u32
            .checked_shl(u32::from(self.min_strip_shift))
            .unwrap_or(u32::MAX)
            .saturating_mul(u32::from(self.max_strips));
        match by_strips.min(self.max_request) {
            0 => by_list,
            limit => by_list.min(limit),
        }
    }

    /// Whether the controller must not be reset while it has commands.
    pub(crate) const fn online_reset_disabled(&self) -> bool {
        self.switches & Self::SWITCH_NO_ONLINE_RESET != 0
    }

    /// Whether the host may use physical drives directly.
    pub(crate) const fn jbod_enabled(&self) -> bool {
        self.switches & Self::SWITCH_JBOD != 0
    }

    fn firmware(data: &[u8]) -> Option<Text<32>> {
        let count = u32_at(data, Self::COMPONENT_COUNT)?.min(Self::MAX_COMPONENTS);
        let component = data
            .get(Self::COMPONENTS..)?
            .chunks_exact(Self::COMPONENT_BYTES)
            .take(usize::try_from(count).ok()?)
            .find(|component| component.starts_with(Self::FIRMWARE))?;
        Text::at(component, Self::COMPONENT_VERSION)
    }
}

/// What the firmware says of a logical drive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum LdState {
    /// Cannot be read or written.
    Offline,
    /// Works, with less redundancy than it should have.
    PartiallyDegraded,
    /// Works, without redundancy.
    Degraded,
    /// Works.
    Optimal,
    /// A state of newer firmware.
    Unknown(u8),
}

impl LdState {
    const fn from_u8(value: u8) -> Self {
        match value {
            0 => Self::Offline,
            1 => Self::PartiallyDegraded,
            2 => Self::Degraded,
            3 => Self::Optimal,
            other => Self::Unknown(other),
        }
    }
}

/// A logical drive in a list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct LdEntry {
    /// Target id.
    pub(crate) target: u8,
    /// Changes whenever the drive's configuration does.
    pub(crate) sequence: u16,
    /// State.
    pub(crate) state: LdState,
    /// Size in blocks.
    pub(crate) blocks: u64,
}

impl LdEntry {
    const BYTES: usize = 16;

    fn parse(data: &[u8]) -> Option<Self> {
        Some(Self {
            target: *data.first()?,
            sequence: u16_at(data, 2)?,
            state: LdState::from_u8(*data.get(4)?),
            blocks: u64_at(data, 8)?,
        })
    }
}

/// The answer to [`Opcode::LD_GET_LIST`].
///
/// [`Opcode::LD_GET_LIST`]: super::dcmd::Opcode::LD_GET_LIST
#[derive(Clone, Copy, Debug)]
pub(crate) struct LdList<'a>(Entries<'a>);

impl<'a> LdList<'a> {
    /// Logical drives of a controller at most.
    pub(crate) const MAX: usize = 64;

    /// Bytes of a list of [`LdList::MAX`] drives: a longer buffer is refused.
    pub(crate) const BYTES: usize = LIST_HEADER + Self::MAX * LdEntry::BYTES;

    /// Parses an answer; [`None`] if it is too short to have a count.
    pub(crate) fn parse(data: &'a [u8]) -> Option<Self> {
        let count = u32_at(data, 0)?;
        Entries::new(data, LdEntry::BYTES, count).map(Self)
    }

    /// The drives, as many as were announced and are there.
    pub(crate) fn iter(&self) -> impl Iterator<Item = LdEntry> + 'a {
        self.0.iter().filter_map(LdEntry::parse)
    }
}

/// A physical device in a list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct PdEntry {
    /// The firmware's number of the device.
    pub(crate) device: u16,
    /// The firmware's number of the enclosure; all ones if there is none.
    pub(crate) enclosure: u16,
    /// Slot of the enclosure.
    pub(crate) slot: u8,
    /// SCSI peripheral device type; zero is a disk.
    pub(crate) device_type: u8,
    /// SAS address of the first port.
    pub(crate) sas_address: u64,
}

impl PdEntry {
    const BYTES: usize = 24;

    /// The target id by which the host addresses the device.
    ///
    /// Firmware numbers its devices by target id, which has eight bits. QEMU puts the target id into the
    /// upper half and the LUN into the lower one; its disks have LUN 0, so there is no doubt which it is.
    pub(crate) const fn target(&self) -> u8 {
        let [low, high] = self.device.to_le_bytes();
        if high == 0 {
            low
        } else {
            high
        }
    }

    fn parse(data: &[u8]) -> Option<Self> {
        Some(Self {
            device: u16_at(data, 0)?,
            enclosure: u16_at(data, 2)?,
            slot: *data.get(5)?,
            device_type: *data.get(6)?,
            sas_address: u64_at(data, 8)?,
        })
    }
}

/// The answer to [`Opcode::PD_GET_LIST`] and [`Opcode::PD_LIST_QUERY`].
///
/// [`Opcode::PD_GET_LIST`]: super::dcmd::Opcode::PD_GET_LIST
/// [`Opcode::PD_LIST_QUERY`]: super::dcmd::Opcode::PD_LIST_QUERY
#[derive(Clone, Copy, Debug)]
pub(crate) struct PdList<'a>(Entries<'a>);

impl<'a> PdList<'a> {
    /// Physical devices of a controller at most.
    pub(crate) const MAX: usize = 240;

    /// Bytes of a list of [`PdList::MAX`] devices.
    pub(crate) const BYTES: usize = LIST_HEADER + Self::MAX * PdEntry::BYTES;

    /// Parses an answer; [`None`] if it is too short to have a count.
    ///
    /// The list says its size in bytes too: what lies beyond it is not part of the list. A buffer
    /// that the firmware left zero is an empty list.
    pub(crate) fn parse(data: &'a [u8]) -> Option<Self> {
        let size = u32_at(data, 0)?;
        let count = u32_at(data, 4)?;
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let data = data.get(..size.max(LIST_HEADER)).unwrap_or(data);
        Entries::new(data, PdEntry::BYTES, count).map(Self)
    }

    /// The devices, as many as were announced and are there.
    pub(crate) fn iter(&self) -> impl Iterator<Item = PdEntry> + 'a {
        self.0.iter().filter_map(PdEntry::parse)
    }
}

/// Bytes before the entries of a list.
const LIST_HEADER: usize = 8;

/// The entries of a list: whole ones only, no more than announced.
#[derive(Clone, Copy, Debug)]
struct Entries<'a> {
    data: &'a [u8],
    entry_bytes: usize,
    count: usize,
}

impl<'a> Entries<'a> {
    fn new(data: &'a [u8], entry_bytes: usize, count: u32) -> Option<Self> {
        Some(Self {
            data: data.get(LIST_HEADER..)?,
            entry_bytes,
            count: usize::try_from(count).unwrap_or(usize::MAX),
        })
    }

    fn iter(&self) -> impl Iterator<Item = &'a [u8]> {
        self.data.chunks_exact(self.entry_bytes).take(self.count)
    }
}
