// SPDX-License-Identifier: GPL-2.0

//! The least that a device-mapper target is, for the cases that need one: it holds all bios.

#[cfg(not(kernel_7_2))]
#[path = "module.rs"]
mod module;

use kernel::prelude::*;
use kernel::str::CStr;
use storage_dm::{
    Bio,
    BlockStatus,
    Constructor,
    EndBio,
    EndedBio,
    Features,
    Job,
    Live,
    Mapped,
    Refusal,
    StatusKind,
    Target,
    TaskContext,
    Text,
    Words, //
};

/// One target.
#[pin_data]
pub struct Nothing {
    nothing: (),
}

#[vtable]
impl Target for Nothing {
    #[cfg(not(kernel_7_2))]
    type OwnerModule = module::Case;
    type Shared = ();
    type Io = u32;

    const NAME: &'static CStr = c"case";
    const VERSION: [u32; 3] = [1, 0, 0];
    const FEATURES: Features = Features::NONE;

    fn new(
        _constructor: &mut Constructor,
        _words: Words<'_>,
    ) -> Result<impl PinInit<Self, Error>, Refusal> {
        Ok(try_pin_init!(Self { nothing: () }))
    }

    fn jobs(&self) -> u32 {
        0
    }

    fn run(_this: &Live<Self>, _job: Job, _task: &TaskContext) {}
    fn start(_this: &Live<Self>) {}
    fn stop(_this: &Live<Self>) {}
    fn status(_this: &Live<Self>, _kind: StatusKind, _text: &mut Text<'_>) {}

    fn map_bio<'m>(_this: &'m Live<Self>, bio: Bio<'m, Self>) -> Mapped<'m, Self> {
        bio.kill()
    }

    fn end_bio<'b>(
        _this: &'b Live<Self>,
        bio: EndedBio<'b, Self>,
        _io: Option<u32>,
        _status: BlockStatus,
    ) -> EndBio<'b, Self> {
        bio.done()
    }
}
