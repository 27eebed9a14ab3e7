// SPDX-License-Identifier: GPL-2.0

//! What a target implements, and its registration.
//!
//! C header: [`include/linux/device-mapper.h`](srctree/include/linux/device-mapper.h)

use super::bio::{
    Bio,
    EndBio,
    EndedBio,
    Mapped, //
};
use super::callbacks::Callbacks;
use super::construct::{
    Constructor,
    Refusal,
    RefusalLines, //
};
use super::device::DeviceIndex;
use super::fit::Excess;
use super::handler::Activation;
use super::live::{
    Job,
    Live, //
};
use super::request::{
    EndRequest,
    MapRequest,
    Request, //
};
use super::status::BlockStatus;
use super::text::{
    StatusKind,
    Text,
    Words, //
};
use crate::bindings;
use core::ptr::NonNull;
use kernel::error::to_result;
use kernel::prelude::*;
use kernel::str::CStr;
use kernel::types::Opaque;

/// What a target is like (`DM_TARGET_*`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Features(u64);

impl Features {
    /// Nothing special.
    pub const NONE: Self = Self(0);
    /// It must be alone in its table.
    pub const SINGLETON: Self = Self(bindings::DM_TARGET_SINGLETON as u64);
    /// A mapped device that had it can have no other type.
    pub const IMMUTABLE: Self = Self(bindings::DM_TARGET_IMMUTABLE as u64);
    /// Protection information goes through it.
    pub const PASSES_INTEGRITY: Self = Self(bindings::DM_TARGET_PASSES_INTEGRITY as u64);
    /// Atomic writes go through it.
    pub const ATOMIC_WRITES: Self = Self(bindings::DM_TARGET_ATOMIC_WRITES as u64);

    pub(super) const fn bits(self) -> u64 {
        self.0
    }

    /// Both.
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// An ioctl on the mapped device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ioctl {
    /// `DM_MPATH_PROBE_PATHS`: see which paths of the current group work.
    ProbePaths,
    /// Another one of device-mapper's own, which a target has to know or to refuse with `ENOTTY`.
    DeviceMapper(u32),
    /// One for the device below.
    Other(u32),
}

/// What becomes of an ioctl.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IoctlAnswer {
    /// It is done.
    Done,
    /// It goes to this device.
    Forward(DeviceIndex),
}

/// What a message is answered with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MessageAnswer {
    /// It was obeyed.
    Done,
    /// It was obeyed, and the reply has been written.
    Reply,
}

/// A device-mapper target.
///
/// The methods get the target in its table, a [`Live`]. Those from [`Target::map_request`] on are
/// optional: a request-based target implements the three with "request" in their name, a bio-based one
/// the two with "bio".
#[vtable]
pub trait Target: Send + Sync + Sized + 'static {
    /// What all targets of the registration share.
    type Shared: Send + Sync;

    /// What is kept with each I/O from its mapping to its end, in device-mapper's own area of it.
    type Io: Send;

    /// The name in table lines.
    const NAME: &'static CStr;

    /// The version that programs see.
    const VERSION: [u32; 3];

    /// What it is like.
    const FEATURES: Features;

    /// Makes the target of a table line. May sleep.
    ///
    /// # Errors
    ///
    /// The table is refused with the errno and the line of the [`Refusal`].
    fn new(
        constructor: &mut Constructor,
        words: Words<'_>,
    ) -> Result<impl PinInit<Self, Error>, Refusal>;

    /// How many jobs it has. Does not change.
    fn jobs(&self) -> u32;

    /// Runs a job that was queued. May sleep.
    fn run(this: &Live<Self>, job: Job);

    /// The target is complete; from here on it can queue jobs. May sleep.
    fn start(this: &Live<Self>);

    /// The table goes: I/O has ended. May sleep. Jobs that are queued afterwards do not run.
    fn stop(this: &Live<Self>);

    /// Writes the status. May sleep.
    fn status(this: &Live<Self>, kind: StatusKind, text: &mut Text<'_>);

    /// Maps a request. Atomic context.
    fn map_request<'r>(_this: &Live<Self>, _request: &'r Request) -> MapRequest<'r, Self::Io> {
        build_error!(kernel::error::VTABLE_DEFAULT_ERROR)
    }

    /// A clone was made but could not be sent; it will be mapped again. Atomic context.
    fn unmap_request(_this: &Live<Self>, _io: Self::Io) {
        build_error!(kernel::error::VTABLE_DEFAULT_ERROR)
    }

    /// A clone has ended. Any context.
    fn end_request(_this: &Live<Self>, _io: Self::Io, _status: BlockStatus) -> EndRequest {
        build_error!(kernel::error::VTABLE_DEFAULT_ERROR)
    }

    /// A clone was refused, because its device does not take so large a request: the device's driver has not
    /// seen it. What [`Request::excess`] has found before does not come here, unless limits have changed. Any
    /// context.
    fn request_refused(_this: &Live<Self>, _io: Self::Io, _excess: Excess) -> EndRequest {
        build_error!(kernel::error::VTABLE_DEFAULT_ERROR)
    }

    /// Maps a bio. May not sleep.
    fn map_bio(_this: &Live<Self>, _bio: Bio<Self>) -> Mapped<Self> {
        build_error!(kernel::error::VTABLE_DEFAULT_ERROR)
    }

    /// A bio has ended; `io` is there if it was on a device. Any context.
    fn end_bio<'b>(
        _this: &Live<Self>,
        _bio: EndedBio<'b, Self>,
        _io: Option<Self::Io>,
        _status: BlockStatus,
    ) -> EndBio<'b, Self> {
        build_error!(kernel::error::VTABLE_DEFAULT_ERROR)
    }

    /// The mapped device is about to be suspended; I/O still goes on. May sleep.
    fn presuspend(_this: &Live<Self>) {
        build_error!(kernel::error::VTABLE_DEFAULT_ERROR)
    }

    /// The suspension was called off after [`Target::presuspend`]: by a signal while it waited for I/O, or as
    /// the filesystem could not be frozen. I/O comes again already. May sleep.
    fn presuspend_undo(_this: &Live<Self>) {
        build_error!(kernel::error::VTABLE_DEFAULT_ERROR)
    }

    /// The mapped device is suspended: no I/O is in flight. May sleep.
    fn postsuspend(_this: &Live<Self>) {
        build_error!(kernel::error::VTABLE_DEFAULT_ERROR)
    }

    /// I/O is about to come again. May sleep.
    fn resume(_this: &Live<Self>) {
        build_error!(kernel::error::VTABLE_DEFAULT_ERROR)
    }

    /// Obeys a message; a reply can be written. May sleep.
    ///
    /// # Errors
    ///
    /// Any; user space gets it.
    fn message(
        _this: &Live<Self>,
        _words: Words<'_>,
        _reply: &mut Text<'_>,
    ) -> Result<MessageAnswer> {
        build_error!(kernel::error::VTABLE_DEFAULT_ERROR)
    }

    /// Decides about an ioctl. May sleep.
    ///
    /// # Errors
    ///
    /// Any; with `ENOTCONN`, device-mapper asks again after a pause.
    fn prepare_ioctl(_this: &Live<Self>, _ioctl: Ioctl) -> Result<IoctlAnswer> {
        build_error!(kernel::error::VTABLE_DEFAULT_ERROR)
    }

    /// Whether a request that is mapped now would only wait at its device. A hint. Atomic context.
    fn busy(_this: &Live<Self>) -> bool {
        build_error!(kernel::error::VTABLE_DEFAULT_ERROR)
    }

    /// The activation of a path that [`Live::activate`] started has ended. Any context.
    fn activated(_this: &Live<Self>, _device: DeviceIndex, _outcome: Activation) {
        build_error!(kernel::error::VTABLE_DEFAULT_ERROR)
    }
}

/// A registered target type. Its drop takes the name back.
///
/// # Examples
///
/// ```ignore
/// struct Module {
///     _target: dm::Registration<Multipath>,
/// }
/// ```
///
/// # Invariants
///
/// `registered` was registered, and is not freed while a table may have a target of it.
pub struct Registration<T: Target> {
    registered: NonNull<Registered<T>>,
    module: &'static ThisModule,
}

/// What C and the targets refer to; it stays where it is.
#[pin_data]
pub(super) struct Registered<T: Target> {
    #[pin]
    kind: Opaque<bindings::target_type>,
    shared: T::Shared,
    lines: RefusalLines,
}

// SAFETY: the type is not changed after its registration, but for the link that device-mapper's lock
// guards; `T::Shared` is `Send` and `Sync`.
unsafe impl<T: Target> Send for Registration<T> {}
// SAFETY: as above.
unsafe impl<T: Target> Sync for Registration<T> {}

impl<T: Target> Registration<T> {
    /// Registers the target of a module. May sleep.
    ///
    /// # Errors
    ///
    /// - `EBUSY` if another module has registered the name.
    /// - `ENOMEM` if there is no memory.
    pub fn new(module: &'static ThisModule, shared: T::Shared) -> Result<Self> {
        let registered = KBox::pin_init(
            try_pin_init!(Registered {
                shared,
                lines: RefusalLines::new(),
                kind <- Opaque::try_ffi_init(|slot: *mut bindings::target_type| {
                    let mut kind = Callbacks::<T>::KIND;
                    kind.module = module.as_ptr();
                    // SAFETY: the slot is valid for writing.
                    unsafe { slot.write(kind) };
                    // SAFETY: complete, pinned, and taken back before it goes.
                    to_result(unsafe { bindings::dm_register_target(slot) })
                }),
            }? Error),
            GFP_KERNEL,
        )?;
        // SAFETY: it is not moved before `drop` makes a box of it again.
        let registered = KBox::into_raw(unsafe { Pin::into_inner_unchecked(registered) });
        // SAFETY: a box is never null.
        let registered = unsafe { NonNull::new_unchecked(registered) };
        // INVARIANT: registered above.
        Ok(Self { registered, module })
    }
}

impl<T: Target> Drop for Registration<T> {
    fn drop(&mut self) {
        let registered = self.registered.as_ptr();
        // SAFETY: by the invariant it is registered, and is so once.
        unsafe { bindings::dm_unregister_target((*registered).kind.get()) };
        let module = self.module.as_ptr();
        // SAFETY: the module whose code runs here.
        let state = unsafe { (&raw const (*module).state).read_volatile() };
        // SAFETY: as above.
        let users = unsafe { kernel::bindings::module_refcount(module) };
        // While a module comes, its loader holds it as well.
        let loader = c_int::from(state == kernel::bindings::module_state_MODULE_STATE_COMING);
        // Each table with a target of the type holds the module, from before its constructor is called, and
        // no new one comes now. If anybody holds it, the memory stays.
        if users <= loader {
            // SAFETY: made by `new`, and not used hereafter.
            drop(unsafe { KBox::from_raw(registered) });
        }
    }
}

impl<T: Target> Registered<T> {
    /// # Safety
    ///
    /// `kind` is the type of a registration of `T`, which lives for `'a`.
    #[inline]
    unsafe fn from_kind<'a>(kind: *mut bindings::target_type) -> &'a Self {
        let kind: *mut Opaque<bindings::target_type> = kind.cast();
        // SAFETY: by this function's contract.
        unsafe { &*kernel::container_of!(kind, Self, kind) }
    }

    /// # Safety
    ///
    /// See [`Self::from_kind`].
    #[inline]
    pub(super) unsafe fn shared_of<'a>(kind: *mut bindings::target_type) -> &'a T::Shared {
        // SAFETY: by this function's contract.
        &unsafe { Self::from_kind(kind) }.shared
    }

    /// # Safety
    ///
    /// See [`Self::from_kind`].
    pub(super) unsafe fn lines_of<'a>(kind: *mut bindings::target_type) -> &'a RefusalLines {
        // SAFETY: by this function's contract.
        &unsafe { Self::from_kind(kind) }.lines
    }
}
