// SPDX-License-Identifier: GPL-2.0
// error: E0308 mismatched types

//! An ioctl that device-mapper forwards is answered as done: it would go to the mapped device itself, without
//! end.

#[cfg(not(kernel_7_2))]
#[path = "common/module.rs"]
mod module;

use kernel::prelude::*;
use kernel::str::CStr;
use storage_dm::{
    Constructor,
    DeviceIndex,
    Features,
    Job,
    Live,
    Refusal,
    StatusKind,
    Target,
    TaskContext,
    Text,
    Words, //
};

#[pin_data]
pub struct Done {
    nothing: (),
}

#[vtable]
impl Target for Done {
    #[cfg(not(kernel_7_2))]
    type OwnerModule = module::Case;
    type Shared = ();
    type Io = ();

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

    fn ioctl_device(_this: &Live<Self>) -> Result<DeviceIndex> {
        #[cfg(not(mistake))]
        return Err(ENOTTY);
        #[cfg(mistake)]
        Ok(())
    }
}
