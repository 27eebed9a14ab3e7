// SPDX-License-Identifier: GPL-2.0

//! Device-mapper targets.
//!
//! C header: [`include/linux/device-mapper.h`](srctree/include/linux/device-mapper.h)
//!
//! A target
//!
//! 1. implements [`Target`] for the type that stands for one table line;
//! 2. makes it in [`Target::new`] of the line's [`Words`], opening the devices that they name;
//! 3. keeps a [`Registration`] of it in its module.
//!
//! Device-mapper's own data (table, devices, work, callbacks of hardware handlers) is in a [`Live`], which
//! every callback gets. It is the library that opens and closes devices, that waits for all work when
//! the table goes, and that owns each I/O's area: a target has no pointer to keep.
//!
//! | I/O | mapped by | and ended by |
//! | --- | --- | --- |
//! | requests | a [`struct@Clone`] with the target's data, or one of the other [`MapRequest`]s | [`EndRequest`] |
//! | bios | [`Bio`], which leaves its holder one way only, as a [`Mapped`] | [`EndedBio`], as an [`EndBio`] |
//!
//! What only a task may do, such as submitting a bio, takes a [`TaskContext`]; callbacks that run in a task get one.

use kernel::prelude::*;

mod bindings;

mod bio;
mod callbacks;
mod construct;
mod context;
mod device;
mod fit;
mod handler;
mod limits;
mod live;
#[doc(hidden)]
pub mod log;
mod request;
mod status;
mod target;
mod text;

pub use self::bio::{
    with_plug,
    Bio,
    BioList,
    EndBio,
    EndedBio,
    Mapped, //
};
pub use self::construct::{
    Constructor,
    QueueMode,
    Refusal,
    SpecialBios, //
};
pub use self::context::TaskContext;
pub use self::device::{
    Device,
    DeviceIndex,
    DeviceNumber,
    Wwid, //
};
pub use self::fit::Excess;
pub use self::handler::{
    Activation,
    HandlerParameters, //
};
pub use self::live::{
    Job,
    Live,
    PathEvent, //
};
pub use self::request::{
    Clone,
    EndRequest,
    MapRequest,
    Request, //
};
pub use self::status::BlockStatus;
pub use self::target::{
    Features,
    MessageAnswer,
    Registration,
    Target, //
};
pub use self::text::{
    StatusKind,
    Text,
    Words, //
};

module! {
    type: StorageDm,
    name: "storage_dm",
    authors: ["The Ironpath developers"],
    description: "Safe abstractions for device-mapper targets in Rust",
    license: "GPL",
}

struct StorageDm;

impl kernel::Module for StorageDm {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        Ok(Self)
    }
}
