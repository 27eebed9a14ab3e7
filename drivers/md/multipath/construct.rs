// SPDX-License-Identifier: GPL-2.0

//! A table's devices and their hardware handlers.

use core::fmt::{
    self,
    Write, //
};
use kernel::prelude::*;
use storage_dm::{
    dm_err,
    dm_warn,
    Constructor,
    DeviceIndex,
    HandlerParameters,
    QueueMode,
    Refusal,
    SpecialBios,
    Words,
    Wwid, //
};

use super::args::TableError;
use super::errno::Errno;
use super::features::{
    self,
    Features, //
};
use super::handler::{
    Attached,
    Handler, //
};
use super::memory::{
    Memory,
    OutOfMemory,
    Vector, //
};
use super::table::{
    self,
    Builder,
    Device,
    Notice, //
};
use super::target::{
    Map,
    State, //
};

/// The kernel's vectors.
pub(crate) struct KernelMemory;

impl Memory for KernelMemory {
    type Vec<T> = KVec<T>;
}

impl<T> Vector<T> for KVec<T> {
    fn empty() -> Self {
        Self::new()
    }

    fn append(&mut self, value: T) -> Result<(), OutOfMemory> {
        self.push(value, GFP_KERNEL).map_err(|_| OutOfMemory)
    }
}

/// Bytes of `major:minor`: 12 and 20 bits.
const NAME_LENGTH: usize = 12;

/// A path's device. The device itself is in device-mapper's hands.
pub(crate) struct PathDevice {
    index: DeviceIndex,
    name: [u8; NAME_LENGTH],
    name_length: usize,
    wwid: Option<KBox<Wwid>>,
}

impl PathDevice {
    #[inline]
    pub(crate) fn index(&self) -> DeviceIndex {
        self.index
    }

    /// The name, as a string for C.
    pub(crate) fn name_of(&self) -> &str {
        self.name
            .get(..self.name_length)
            .and_then(|name| core::str::from_utf8(name).ok())
            .unwrap_or("")
    }
}

impl Device for PathDevice {
    fn name(&self) -> &str {
        self.name_of()
    }

    fn wwid(&self) -> Option<&[u8]> {
        self.wwid.as_ref().map(|wwid| wwid.as_str().as_bytes())
    }
}

fn refused(message: &'static str) -> impl Fn(Error) -> TableError {
    move |error| TableError::new(message, Errno::from_i32(error.to_errno()))
}

struct TableBuilder<'c> {
    constructor: &'c mut Constructor,
}

impl Builder<KernelMemory> for TableBuilder<'_> {
    type Device = PathDevice;

    fn device(
        &mut self,
        word: &[u8],
        features: &Features,
        handler: &mut Handler<KernelMemory>,
    ) -> Result<PathDevice, TableError> {
        let getting = refused("error getting device");
        let index = self.constructor.open(word).map_err(&getting)?;
        let device = self.constructor.device(index).ok_or(getting(ENODEV))?;
        if features.path_deadline_abort && !device.is_whole_scsi_disk() {
            return Err(refused("path_deadline_abort needs whole SCSI disks")(
                EINVAL,
            ));
        }
        let attached = match device.attached_handler() {
            Ok(attached) => attached,
            Err(error) if error == ENODEV => {
                if handler.attached(Attached::NotScsi)? {
                    dm_err!("hardware handlers are only allowed for SCSI devices\n");
                }
                None
            }
            Err(error) => return Err(refused("error allocating handler name")(error)),
        };
        if let Some(name) = &attached {
            handler.attached(Attached::Handler(name.to_bytes()))?;
        }
        if let Some(name) = handler.name() {
            device
                .attach_handler(name)
                .map_err(refused("error attaching hardware handler"))?;
        }
        if let (Some(_), Some(parameters)) = (handler.name(), handler.params()) {
            let parameters = HandlerParameters::new(parameters).ok_or(EINVAL);
            parameters
                .and_then(|parameters| device.set_handler_parameters(parameters))
                .map_err(refused("unable to set hardware handler parameters"))?;
        }
        let wwid = match device.wwid() {
            Some(wwid) => Some(KBox::new(wwid, GFP_KERNEL).map_err(|_| OutOfMemory)?),
            None => None,
        };
        let text = device.name().to_bytes();
        let mut name = [0; NAME_LENGTH];
        let name_length = text.len().min(NAME_LENGTH);
        for (into, from) in name.iter_mut().zip(text) {
            *into = *from;
        }
        Ok(PathDevice {
            index,
            name,
            name_length,
            wwid,
        })
    }

    fn notice(&mut self, notice: Notice<'_>) {
        match notice {
            Notice::HandlerWithBios => dm_err!("{}\n", notice),
            _ => dm_warn!("{}: {}\n", Name(self.constructor.name().to_bytes()), notice),
        }
    }
}

/// A word that may be any bytes, for the log.
pub(crate) struct Name<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Name<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0 {
            let shown = if byte.is_ascii_graphic() { *byte } else { b'?' };
            out.write_char(char::from(shown))?;
        }
        Ok(())
    }
}

/// All words, as bytes.
pub(crate) fn bytes_of<'a>(words: Words<'a>) -> Result<KVec<&'a [u8]>> {
    let mut all = KVec::with_capacity(words.len(), GFP_KERNEL)?;
    for word in words.iter() {
        all.push(word.to_bytes(), GFP_KERNEL)?;
    }
    Ok(all)
}

/// Makes the map of a table line, and tells device-mapper what it needs to know of it.
pub(crate) fn parse(
    constructor: &mut Constructor,
    words: Words<'_>,
) -> Result<(Map, State), Refusal> {
    let words = bytes_of(words)?;
    let cpus = storage::system::cpu_ids();
    let mut builder = TableBuilder { constructor };
    let (map, state) = table::parse::<KernelMemory, _>(&words, cpus, &mut builder)
        .map_err(|error| refusal(&error, &words))?;
    constructor.set_queue_mode(match map.features().queue_mode {
        features::QueueMode::Bio => QueueMode::Bio,
        features::QueueMode::Request => QueueMode::Request,
    });
    constructor.set_special_bios(SpecialBios {
        flush: true,
        discard: true,
        write_zeroes: true,
    });
    Ok((map, state))
}

/// The refusal of a table, which names the word that is wrong.
fn refusal(error: &TableError, words: &[&[u8]]) -> Refusal {
    let errno = Error::from_errno(-error.errno().as_i32());
    let message = error.message();
    match error.word().map(|index| (index, words.get(index))) {
        Some((index, Some(word))) => {
            let number = index.saturating_add(1);
            Refusal::new(
                errno,
                format_args!("{message}: word {number}, '{}'", Name(word)),
            )
        }
        Some((_, None)) => Refusal::new(errno, format_args!("{message}: after the last word")),
        None => Refusal::new(errno, format_args!("{message}")),
    }
}
