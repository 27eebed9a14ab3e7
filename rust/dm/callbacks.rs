// SPDX-License-Identifier: GPL-2.0

//! The functions that device-mapper calls, and the target type made of them.
//!
//! C header: [`include/linux/device-mapper.h`](srctree/include/linux/device-mapper.h)

use super::bio::BioArea;
use super::construct::{
    Constructor,
    QueueMode,
    Refusal, //
};
use super::context::TaskContext;
use super::live::Live;
use super::request::RequestArea;
use super::target::{
    Features,
    MessageAnswer,
    Registered,
    Target, //
};
use super::text::{
    OwnedWords,
    StatusKind,
    Text,
    Words, //
};
use crate::bindings;
use core::marker::PhantomData;
use core::ptr::NonNull;
use kernel::bindings::block_device;
use kernel::prelude::*;
use kernel::str::as_char_ptr_in_const_context;

mod io;

/// The callbacks that C calls, and the constant part of the target type.
pub(super) struct Callbacks<T: Target>(PhantomData<fn() -> T>);

/// A target that was made, and the bytes that it needs with each I/O.
type Made<T> = (Pin<KBox<Live<T>>>, usize);

/// The target behind a C target.
///
/// # Safety
///
/// `ti` is a target of `T` whose constructor has succeeded, and whose destructor is not called for all of `'a`.
#[inline]
unsafe fn live<'a, T: Target>(ti: *mut bindings::dm_target) -> &'a Live<T> {
    // SAFETY: a constructor that succeeds sets `private` to its `Live<T>`, which the destructor alone frees:
    // the caller says that the one has run and the other does not for `'a`. It is never borrowed exclusively
    // meanwhile.
    unsafe { &*(*ti).private.cast() }
}

impl<T: Target> Callbacks<T> {
    /// Bytes that the target needs with each I/O.
    fn room(mode: QueueMode, has_devices: bool) -> usize {
        // Device-mapper aligns what is behind its own to this, no more.
        const {
            assert!(core::mem::align_of::<BioArea<T>>() <= 8);
            assert!(core::mem::align_of::<RequestArea<T>>() <= 8);
        }
        let for_bio = core::mem::size_of::<BioArea<T>>();
        let for_request = core::mem::size_of::<RequestArea<T>>();
        match mode {
            QueueMode::Bio => for_bio,
            QueueMode::Request if has_devices => for_request,
            // Device-mapper gives such a table the type of the one that it replaces, which may take bios.
            QueueMode::Request => for_bio.max(for_request),
        }
    }

    /// Makes the target of a table line, and says how much room it needs with each I/O.
    ///
    /// # Safety
    ///
    /// `ti` is a target of `T` whose constructor runs, with `argc` words, which do not change meanwhile.
    unsafe fn make(
        ti: NonNull<bindings::dm_target>,
        argc: c_uint,
        argv: *mut *mut c_char,
    ) -> Result<Made<T>, Refusal> {
        const {
            // Only of such a target device-mapper says at once what all I/O of the mapped device is like.
            let alone = T::FEATURES.has(Features::SINGLETON.and(Features::IMMUTABLE));
            assert!(alone || !T::HAS_MAP_REQUEST);
        }
        // SAFETY: it wants `argc` pointers to strings that nobody writes while the words live: until this returns.
        let words = unsafe { Words::from_raw(argc, argv) };
        // SAFETY: it wants a target whose constructor runs while the value lives, which is until this
        // returns, and that outlives its devices: device-mapper frees it after the destructor, or the failed
        // constructor, has dropped them.
        let mut constructor = unsafe { Constructor::new(ti) };
        let target = T::new(&mut constructor, words)?;
        // SAFETY: it wants a target under construction that gets it as its private data: `ctr` sees to that,
        // or it is dropped before the constructor returns.
        let init = unsafe { Live::new(ti, target) };
        let mut live = KBox::try_pin_init(init, GFP_KERNEL)?;
        let (devices, mode) = constructor.finish();
        let has_devices = !devices.as_slice().is_empty();
        let may_get_bios = mode == QueueMode::Bio || !has_devices;
        if (may_get_bios && !T::HAS_MAP_BIO) || (mode == QueueMode::Request && !T::HAS_MAP_REQUEST)
        {
            return Err(EINVAL.into());
        }
        live.as_mut().complete(devices)?;
        if mode == QueueMode::Request && !has_devices && live.is_live_by_bios() {
            return Err(Refusal::new(
                EINVAL,
                format_args!("the mapped device takes bios, not requests"),
            ));
        }
        T::start(&live);
        Ok((live, Self::room(mode, has_devices)))
    }

    /// # Safety
    ///
    /// Called by device-mapper with a target of `T` under construction, which nobody else knows, and with `argc`
    /// words.
    unsafe extern "C" fn ctr(
        ti: *mut bindings::dm_target,
        argc: c_uint,
        argv: *mut *mut c_char,
    ) -> c_int {
        // SAFETY: the caller passes a target, which is not null.
        let target = unsafe { NonNull::new_unchecked(ti) };
        // SAFETY: `make` wants what is guaranteed to this function.
        match unsafe { Self::make(target, argc, argv) } {
            Ok((live, room)) => {
                // SAFETY: it wants that the value is not moved: it stays where it is until the destructor
                // makes a box of it again, and frees it there.
                let live = KBox::into_raw(unsafe { Pin::into_inner_unchecked(live) });
                // SAFETY: the caller says that it is a target under construction. Jobs of it may run already:
                // they read other fields.
                unsafe {
                    // CAST: far smaller than 4 GiB.
                    (*ti).per_io_data_size = room as u32;
                    (*ti).private = live.cast();
                    // Else device-mapper looks at a bio that was held by a target that is not alone in its
                    // table, and may have ended, to account for it. `Mapped::submit` does, by
                    // `dm_submit_bio_remap`.
                    (*ti).set_accounts_remapped_io(!T::FEATURES.has(Features::SINGLETON));
                }
                0
            }
            Err(refusal) => {
                let (error, line) = refusal.into_parts();
                // SAFETY: the caller says that it is a target, whose type device-mapper has set to that of
                // its constructor.
                let kind = unsafe { (*ti).type_ };
                // SAFETY: `lines_of` wants the type of a registration of `T` that lives while the reference
                // does: this is its constructor, and device-mapper holds the module, with which it stays.
                let lines = unsafe { Registered::<T>::lines_of(kind) };
                // SAFETY: the caller says that it is a target under construction. Device-mapper reads the
                // line before it lets go of the module.
                unsafe { (*ti).error = lines.keep(&line) };
                error.to_errno()
            }
        }
    }

    /// # Safety
    ///
    /// Called by device-mapper once for a target of `T` whose constructor has succeeded, when it has no I/O and no
    /// other callback of it runs or will be called.
    unsafe extern "C" fn dtr(ti: *mut bindings::dm_target) {
        // SAFETY: `from_raw` wants the pointer of a box that nobody else owns: the constructor, which has
        // succeeded, made `private` of one, and only this, which is called once, takes it back.
        let live = unsafe { KBox::from_raw((*ti).private.cast::<Live<T>>()) };
        live.quiesce();
        drop(live);
    }

    /// # Safety
    ///
    /// Called by device-mapper for a target of `T` whose constructor has succeeded, and whose destructor is not
    /// called before this returns.
    unsafe extern "C" fn presuspend(ti: *mut bindings::dm_target) {
        // SAFETY: `live` wants what is guaranteed to this function.
        T::presuspend(unsafe { live::<T>(ti) });
    }

    /// # Safety
    ///
    /// See [`Self::presuspend`].
    unsafe extern "C" fn presuspend_undo(ti: *mut bindings::dm_target) {
        // SAFETY: `live` needs a target of `T` between its constructor and its destructor. Device-mapper calls
        // the hooks of a suspension for targets of the live table only, and keeps that while it suspends.
        T::presuspend_undo(unsafe { live::<T>(ti) });
    }

    /// # Safety
    ///
    /// See [`Self::presuspend`].
    unsafe extern "C" fn postsuspend(ti: *mut bindings::dm_target) {
        // SAFETY: `live` wants what is guaranteed to this function.
        T::postsuspend(unsafe { live::<T>(ti) });
    }

    /// # Safety
    ///
    /// See [`Self::presuspend`].
    unsafe extern "C" fn resume(ti: *mut bindings::dm_target) {
        // SAFETY: `live` wants what is guaranteed to this function.
        T::resume(unsafe { live::<T>(ti) });
    }

    /// # Safety
    ///
    /// See [`Self::presuspend`]; `result` has `maxlen` initialised bytes, which nobody else uses meanwhile.
    unsafe extern "C" fn status(
        ti: *mut bindings::dm_target,
        kind: bindings::status_type_t,
        _flags: c_uint,
        result: *mut c_char,
        maxlen: c_uint,
    ) {
        let kind = match kind {
            bindings::status_type_t_STATUSTYPE_INFO => StatusKind::Info,
            bindings::status_type_t_STATUSTYPE_TABLE => StatusKind::Table,
            _ => StatusKind::Ima,
        };
        // SAFETY: it wants so many initialised bytes that nobody else uses while it lives: the caller
        // guarantees them until this returns.
        let mut text = unsafe { Text::from_raw(result, maxlen) };
        // SAFETY: `live` wants what is guaranteed to this function.
        T::status(unsafe { live::<T>(ti) }, kind, &mut text);
    }

    /// # Safety
    ///
    /// See [`Self::presuspend`]; there are `argc` words, and `result` has `maxlen` initialised bytes. Both
    /// may be in the same memory, which nobody else uses meanwhile.
    unsafe extern "C" fn message(
        ti: *mut bindings::dm_target,
        argc: c_uint,
        argv: *mut *mut c_char,
        result: *mut c_char,
        maxlen: c_uint,
    ) -> c_int {
        // The reply is written over the words (`target_message`): they are copied first.
        // SAFETY: it wants `argc` strings that nobody writes while the words live: until they are copied.
        let words = match OwnedWords::copy(unsafe { Words::from_raw(argc, argv) }) {
            Ok(words) => words,
            Err(error) => return Error::from(error).to_errno(),
        };
        // SAFETY: it wants so many initialised bytes that nobody else uses while it lives: the caller
        // guarantees them, and the words that may be among them are not used any more.
        let mut reply = unsafe { Text::from_raw(result, maxlen) };
        // SAFETY: `live` wants what is guaranteed to this function.
        match T::message(unsafe { live::<T>(ti) }, words.words(), &mut reply) {
            Ok(MessageAnswer::Done) => 0,
            Ok(MessageAnswer::Reply) => 1,
            Err(error) => error.to_errno(),
        }
    }

    /// # Safety
    ///
    /// See [`Self::presuspend`]; called in task context, and `bdev` and `forward` are valid for writing.
    ///
    /// Device-mapper sends the ioctl to `bdev` unless `forward` is false, and `bdev` is the mapped device itself
    /// until it is changed here. So where this returns zero or one, exactly one of the two has been changed.
    unsafe extern "C" fn prepare_ioctl(
        ti: *mut bindings::dm_target,
        bdev: *mut *mut block_device,
        command: c_uint,
        _argument: c_ulong,
        forward: *mut bool,
    ) -> c_int {
        const TYPE_SHIFT: u32 = 8;
        const OWN: u32 = bindings::DM_IOCTL;
        // `_IO(DM_IOCTL, …)`: neither a size nor a direction.
        const PROBE_PATHS: u32 = OWN << TYPE_SHIFT | bindings::DM_MPATH_PROBE_PATHS_CMD;
        // SAFETY: `live` wants a target between its constructor and destructor, which the caller guarantees.
        let live = unsafe { live::<T>(ti) };
        if command >> TYPE_SHIFT & 0xff == OWN {
            // SAFETY: the caller says that it is valid for writing.
            unsafe { *forward = false };
            if command != PROBE_PATHS || !T::HAS_PROBE_PATHS {
                return ENOTTY.to_errno();
            }
            // SAFETY: the caller says that this is task context; the value is gone when this returns.
            let task = unsafe { TaskContext::new() };
            return match T::probe_paths(live, &task) {
                Ok(()) => 0,
                Err(error) => error.to_errno(),
            };
        }
        if !T::HAS_IOCTL_DEVICE {
            return ENOTTY.to_errno();
        }
        let device = match T::ioctl_device(live) {
            Ok(index) => live.device(index),
            Err(error) => return error.to_errno(),
        };
        let Some(device) = device else {
            return EIO.to_errno();
        };
        // SAFETY: the caller says that it is valid for writing.
        unsafe { *bdev = device.bdev() };
        // One: only who may send raw commands may pass through a target of another size.
        c_int::from(live.sectors() != device.sectors())
    }

    /// # Safety
    ///
    /// See [`Self::presuspend`]; `callout` may be called with `ti`, any device of it and `data`.
    unsafe extern "C" fn iterate_devices(
        ti: *mut bindings::dm_target,
        callout: bindings::iterate_devices_callout_fn,
        data: *mut c_void,
    ) -> c_int {
        let Some(callout) = callout else {
            return 0;
        };
        // SAFETY: `live` wants what is guaranteed to this function.
        let live = unsafe { live::<T>(ti) };
        // SAFETY: the caller says that it is a target; its place was set before the constructor was called.
        let (begin, len) = unsafe { ((*ti).begin, (*ti).len) };
        for device in live.devices() {
            // SAFETY: the caller says that it may be called like this: the device is one that the target has open.
            let code = unsafe { callout(ti, device.as_raw(), begin, len, data) };
            if code != 0 {
                return code;
            }
        }
        0
    }

    /// # Safety
    ///
    /// See [`Self::presuspend`].
    unsafe extern "C" fn busy(ti: *mut bindings::dm_target) -> c_int {
        // SAFETY: `live` wants what is guaranteed to this function.
        c_int::from(T::busy(unsafe { live::<T>(ti) }))
    }

    pub(super) const KIND: bindings::target_type = {
        let mut kind: bindings::target_type = pin_init::zeroed();
        kind.features = T::FEATURES.bits();
        kind.name = as_char_ptr_in_const_context(T::NAME);
        kind.version = T::VERSION;
        kind.ctr = Some(Self::ctr);
        kind.dtr = Some(Self::dtr);
        kind.status = Some(Self::status);
        kind.iterate_devices = Some(Self::iterate_devices);
        if T::HAS_MAP_REQUEST {
            kind.clone_and_map_rq = Some(Self::clone_and_map_rq);
            kind.release_clone_rq = Some(Self::release_clone_rq);
            kind.rq_end_io = Some(Self::rq_end_io);
        }
        if T::HAS_MAP_BIO {
            kind.map = Some(Self::map);
            kind.end_io = Some(Self::end_io);
        }
        if T::HAS_PRESUSPEND {
            kind.presuspend = Some(Self::presuspend);
        }
        if T::HAS_PRESUSPEND_UNDO {
            kind.presuspend_undo = Some(Self::presuspend_undo);
        }
        if T::HAS_POSTSUSPEND {
            kind.postsuspend = Some(Self::postsuspend);
        }
        if T::HAS_RESUME {
            kind.resume = Some(Self::resume);
        }
        if T::HAS_MESSAGE {
            kind.message = Some(Self::message);
        }
        if T::HAS_PROBE_PATHS || T::HAS_IOCTL_DEVICE {
            kind.prepare_ioctl = Some(Self::prepare_ioctl);
        }
        if T::HAS_BUSY {
            kind.busy = Some(Self::busy);
        }
        kind
    };
}
