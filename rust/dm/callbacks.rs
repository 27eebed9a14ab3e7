// SPDX-License-Identifier: GPL-2.0

//! The functions that device-mapper calls, and the target type made of them.
//!
//! C header: [`include/linux/device-mapper.h`](srctree/include/linux/device-mapper.h)

use super::bio::BioArea;
use super::construct::{
    Constructor,
    QueueMode, //
};
use super::live::Live;
use super::request::RequestArea;
use super::target::{
    Ioctl,
    IoctlAnswer,
    MessageAnswer,
    Registered,
    Target, //
};
use super::text::{
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

/// The target behind a C target.
///
/// # Safety
///
/// `ti` is a target of `T` whose constructor has returned, and whose destructor has not for all of `'a`.
#[inline]
unsafe fn live<'a, T: Target>(ti: *mut bindings::dm_target) -> &'a Live<T> {
    // SAFETY: by this function's contract; the constructor has set it.
    unsafe { &*(*ti).private.cast() }
}

impl<T: Target> Callbacks<T> {
    /// # Safety
    ///
    /// Called with a target under construction and `argc` words.
    unsafe extern "C" fn ctr(
        ti: *mut bindings::dm_target,
        argc: c_uint,
        argv: *mut *mut c_char,
    ) -> c_int {
        // SAFETY: C passes a target, never null.
        let ti = unsafe { NonNull::new_unchecked(ti) };
        // SAFETY: by this function's contract.
        let words = unsafe { Words::from_raw(argc, argv) };
        // SAFETY: by this function's contract.
        let mut constructor = unsafe { Constructor::new(ti) };
        let made = T::new(&mut constructor, words).and_then(|target| {
            // SAFETY: by this function's contract.
            let init = unsafe { Live::new(ti, target) };
            Ok(KBox::try_pin_init(init, GFP_KERNEL)?)
        });
        let made = made.and_then(|mut live| {
            let (devices, mode) = constructor.finish();
            let able = match mode {
                QueueMode::Bio => T::HAS_MAP_BIO,
                QueueMode::Request => T::HAS_MAP_REQUEST,
            };
            if !able {
                return Err(EINVAL.into());
            }
            live.as_mut().complete(devices)?;
            T::start(&live);
            Ok((live, mode))
        });
        match made {
            Ok((live, mode)) => {
                // Device-mapper aligns what is behind its own to this, no more.
                const {
                    assert!(core::mem::align_of::<BioArea<T>>() <= 8);
                    assert!(core::mem::align_of::<RequestArea<T>>() <= 8);
                }
                let room = match mode {
                    QueueMode::Bio => core::mem::size_of::<BioArea<T>>(),
                    QueueMode::Request => core::mem::size_of::<RequestArea<T>>(),
                };
                // SAFETY: it is not moved before the destructor makes a box of it again.
                let live = KBox::into_raw(unsafe { Pin::into_inner_unchecked(live) });
                let ti = ti.as_ptr();
                // SAFETY: by this function's contract; jobs of the target read other fields.
                unsafe {
                    // CAST: far smaller than 4 GiB.
                    (*ti).per_io_data_size = room as u32;
                    (*ti).private = live.cast();
                }
                0
            }
            Err(refusal) => {
                let (error, line) = refusal.into_parts();
                // SAFETY: by this function's contract the type is set, and C only reads the line.
                unsafe {
                    let lines = Registered::<T>::lines_of((*ti.as_ptr()).type_);
                    (*ti.as_ptr()).error = lines.keep(&line);
                }
                error.to_errno()
            }
        }
    }

    /// # Safety
    ///
    /// Called once for a target whose constructor succeeded, when it has no I/O.
    unsafe extern "C" fn dtr(ti: *mut bindings::dm_target) {
        // SAFETY: made by the constructor, and not used hereafter.
        let live = unsafe { KBox::from_raw((*ti).private.cast::<Live<T>>()) };
        live.quiesce();
        drop(live);
    }

    /// # Safety
    ///
    /// Called for a target between its constructor and destructor.
    unsafe extern "C" fn presuspend(ti: *mut bindings::dm_target) {
        // SAFETY: by this function's contract.
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
        // SAFETY: by this function's contract.
        T::postsuspend(unsafe { live::<T>(ti) });
    }

    /// # Safety
    ///
    /// See [`Self::presuspend`].
    unsafe extern "C" fn resume(ti: *mut bindings::dm_target) {
        // SAFETY: by this function's contract.
        T::resume(unsafe { live::<T>(ti) });
    }

    /// # Safety
    ///
    /// See [`Self::presuspend`]; `result` has room for `maxlen` bytes.
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
        // SAFETY: by this function's contract.
        let mut text = unsafe { Text::from_raw(result, maxlen) };
        // SAFETY: by this function's contract.
        T::status(unsafe { live::<T>(ti) }, kind, &mut text);
    }

    /// # Safety
    ///
    /// See [`Self::presuspend`]; there are `argc` words, and `result` has room for `maxlen` bytes.
    unsafe extern "C" fn message(
        ti: *mut bindings::dm_target,
        argc: c_uint,
        argv: *mut *mut c_char,
        result: *mut c_char,
        maxlen: c_uint,
    ) -> c_int {
        // SAFETY: by this function's contract.
        let words = unsafe { Words::from_raw(argc, argv) };
        // SAFETY: by this function's contract.
        let mut reply = unsafe { Text::from_raw(result, maxlen) };
        // SAFETY: by this function's contract.
        match T::message(unsafe { live::<T>(ti) }, words, &mut reply) {
            Ok(MessageAnswer::Done) => 0,
            Ok(MessageAnswer::Reply) => 1,
            Err(error) => error.to_errno(),
        }
    }

    /// # Safety
    ///
    /// See [`Self::presuspend`]; `bdev` and `forward` can be written.
    unsafe extern "C" fn prepare_ioctl(
        ti: *mut bindings::dm_target,
        bdev: *mut *mut block_device,
        command: c_uint,
        _argument: c_ulong,
        forward: *mut bool,
    ) -> c_int {
        const TYPE_SHIFT: u32 = 8;
        const OWN: u32 = bindings::DM_IOCTL;
        // SAFETY: by this function's contract.
        let live = unsafe { live::<T>(ti) };
        let ioctl = if command >> TYPE_SHIFT & 0xff == OWN {
            // SAFETY: by this function's contract.
            unsafe { *forward = false };
            // `_IO(DM_IOCTL, …)`: neither a size nor a direction.
            if command == OWN << TYPE_SHIFT | bindings::DM_MPATH_PROBE_PATHS_CMD {
                Ioctl::ProbePaths
            } else {
                Ioctl::DeviceMapper(command)
            }
        } else {
            Ioctl::Other(command)
        };
        let device = match T::prepare_ioctl(live, ioctl) {
            Ok(IoctlAnswer::Done) => return 0,
            Ok(IoctlAnswer::Forward(index)) => live.device(index),
            Err(error) => return error.to_errno(),
        };
        let Some(device) = device else {
            return EIO.to_errno();
        };
        // SAFETY: by this function's contract.
        unsafe { *bdev = device.bdev() };
        // One: only who may send raw commands may pass through a target of another size.
        c_int::from(live.sectors() != device.sectors())
    }

    /// # Safety
    ///
    /// See [`Self::presuspend`]; `callout` may be called with `data`.
    unsafe extern "C" fn iterate_devices(
        ti: *mut bindings::dm_target,
        callout: bindings::iterate_devices_callout_fn,
        data: *mut c_void,
    ) -> c_int {
        let Some(callout) = callout else {
            return 0;
        };
        // SAFETY: by this function's contract.
        let (live, begin, len) = unsafe { (live::<T>(ti), (*ti).begin, (*ti).len) };
        for device in live.devices() {
            // SAFETY: by this function's contract; the device is open.
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
        // SAFETY: by this function's contract.
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
        if T::HAS_PREPARE_IOCTL {
            kind.prepare_ioctl = Some(Self::prepare_ioctl);
        }
        if T::HAS_BUSY {
            kind.busy = Some(Self::busy);
        }
        kind
    };
}
