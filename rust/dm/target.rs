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
use super::context::TaskContext;
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

    /// Whether all of `other` are there.
    pub(super) const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// What a message is answered with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MessageAnswer {
    /// It was carried out.
    Done,
    /// It was carried out, and the reply has been written.
    Reply,
}

/// A device-mapper target.
///
/// The methods get the target in its table, a [`Live`]. Those from [`Target::map_request`] on are
/// optional: a request-based target implements the three with "request" in their name, a bio-based one
/// the two with "bio". One that takes requests must be alone in its table and be the only type of its mapped
/// device: [`Features::SINGLETON`] and [`Features::IMMUTABLE`].
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

    /// Runs a job that was queued. Task context, may sleep.
    fn run(this: &Live<Self>, job: Job, task: &TaskContext);

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
    fn map_bio<'m>(_this: &'m Live<Self>, _bio: Bio<'m, Self>) -> Mapped<'m, Self> {
        build_error!(kernel::error::VTABLE_DEFAULT_ERROR)
    }

    /// A bio has ended; `io` is there if it was on a device. Any context, hard interrupts included: a bio that
    /// is to be sent again is held, and sent by a job.
    fn end_bio<'b>(
        _this: &'b Live<Self>,
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

    /// The suspension was cancelled after [`Target::presuspend`]: by a signal while it waited for I/O, or
    /// because the filesystem could not be frozen. New I/O may arrive before this call. May sleep.
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

    /// Carries out a message; a reply can be written. May sleep.
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

    /// `DM_MPATH_PROBE_PATHS`: checks which paths of the current group work. Task context, may sleep. Without
    /// this method the ioctl is refused with `ENOTTY`, as every other one of device-mapper's own is.
    ///
    /// # Errors
    ///
    /// Any; user space gets it.
    fn probe_paths(_this: &Live<Self>, _task: &TaskContext) -> Result {
        build_error!(kernel::error::VTABLE_DEFAULT_ERROR)
    }

    /// The device that an ioctl on the mapped device goes to: any but device-mapper's own. May sleep. Without
    /// this method such an ioctl is refused with `ENOTTY`.
    ///
    /// # Errors
    ///
    /// Any; user space gets it, but for `ENOTCONN`: then device-mapper asks again after a pause.
    fn ioctl_device(_this: &Live<Self>) -> Result<DeviceIndex> {
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
/// `registered` was made from a box, is registered, and is not freed while a table may have a target of it.
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

// SAFETY: any thread may end the registration: what it frees are `T::Shared`, which is `Send`, atomics, and the
// type, which device-mapper has given up by then.
unsafe impl<T: Target> Send for Registration<T> {}
// SAFETY: nothing can be done with a shared one.
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
                    // SAFETY: `try_ffi_init` gives a slot that is valid for writing.
                    unsafe { slot.write(kind) };
                    // SAFETY: `dm_register_target` wants a type that stays where it is until it is
                    // unregistered, and may use it from here on: it is complete, and so are the other fields,
                    // which callbacks come to from it; the box is pinned, and `drop` takes the name back
                    // before it frees it. If it fails, nothing refers to the type.
                    to_result(unsafe { bindings::dm_register_target(slot) })
                }),
            }? Error),
            GFP_KERNEL,
        )?;
        // SAFETY: it wants that the value is not moved: it stays where it is until `drop` makes a box of it
        // again, and frees it there.
        let registered = KBox::into_raw(unsafe { Pin::into_inner_unchecked(registered) });
        // SAFETY: `into_raw` returns the pointer of a box, which is not null.
        let registered = unsafe { NonNull::new_unchecked(registered) };
        // INVARIANT: registered above.
        Ok(Self { registered, module })
    }
}

impl<T: Target> Drop for Registration<T> {
    fn drop(&mut self) {
        let registered = self.registered.as_ptr();
        // SAFETY: it wants a type that is registered: by the type's invariant it is, and only this, which
        // runs once, ends that.
        unsafe { bindings::dm_unregister_target((*registered).kind.get()) };
        let module = self.module.as_ptr();
        // SAFETY: it wants a module that is there: it is the one whose code runs here.
        let users = unsafe { kernel::bindings::module_refcount(module) };
        // SAFETY: as above; the state is a word that others write as a whole.
        let state = unsafe { (&raw const (*module).state).read_volatile() };
        // While a module comes, its loader holds it as well. The state is read last: one that is still coming
        // was so when its users were counted, and its loader was among them.
        let loader = c_int::from(state == kernel::bindings::module_state_MODULE_STATE_COMING);
        // Each table with a target of the type holds the module, from before its constructor is called, and
        // no new one comes now. If anybody holds it, the memory stays.
        if users <= loader {
            // SAFETY: it wants the pointer of a box that nobody uses any more: by the type's invariant it is
            // from a box, and what refers to it are tables, of which none is left, and this, which ends here.
            drop(unsafe { KBox::from_raw(registered) });
        }
    }
}

impl<T: Target> Registered<T> {
    /// # Safety
    ///
    /// `kind` is the `kind` of a `Registered<T>` that is initialised and not freed for `'a`.
    #[inline]
    unsafe fn from_kind<'a>(kind: *mut bindings::target_type) -> &'a Self {
        let kind: *mut Opaque<bindings::target_type> = kind.cast();
        // SAFETY: `container_of!` wants that field of such a struct, which the caller says it is; it is only
        // shared once it is initialised, so that a shared reference is right.
        unsafe { &*kernel::container_of!(kind, Self, kind) }
    }

    /// # Safety
    ///
    /// See [`Self::from_kind`].
    #[inline]
    pub(super) unsafe fn shared_of<'a>(kind: *mut bindings::target_type) -> &'a T::Shared {
        // SAFETY: `from_kind` wants what the caller guarantees to this function.
        &unsafe { Self::from_kind(kind) }.shared
    }

    /// # Safety
    ///
    /// See [`Self::from_kind`].
    pub(super) unsafe fn lines_of<'a>(kind: *mut bindings::target_type) -> &'a RefusalLines {
        // SAFETY: `from_kind` wants what the caller guarantees to this function.
        &unsafe { Self::from_kind(kind) }.lines
    }
}
