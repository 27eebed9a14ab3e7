// SPDX-License-Identifier: GPL-2.0

//! A spinlock that also keeps interrupts out.
//!
//! C header: [`include/linux/spinlock.h`](srctree/include/linux/spinlock.h)

use crate::bindings;
use kernel::bindings::{
    lock_class_key,
    spinlock_t, //
};
use kernel::prelude::*;
use kernel::sync::lock::{
    Backend,
    Guard,
    Lock, //
};

/// A spinlock whose holder runs with local interrupts disabled. Any context but that of an NMI, which may come
/// while this processor takes or releases one of these locks, and must not even try.
///
/// Several may be held at once, and released in any order: interrupts come back with the last. To wait on a
/// [`CondVar`](kernel::sync::CondVar) with one, hold no other: a task must not sleep with a spinlock held.
///
/// # Examples
///
/// ```ignore
/// #[pin_data]
/// struct Counter {
///     #[pin]
///     count: SpinLockIrq<u32>,
/// }
///
/// let init = pin_init!(Counter { count <- new_spinlock_irq!(0, "count") });
/// ```
pub type SpinLockIrq<T> = Lock<T, SpinLockIrqBackend>;

/// The guard of a [`SpinLockIrq`].
pub type SpinLockIrqGuard<'a, T> = Guard<'a, T, SpinLockIrqBackend>;

/// Makes a [`SpinLockIrq`] with a lock class of its own.
#[macro_export]
macro_rules! new_spinlock_irq {
    ($inner:expr, $name:literal) => {
        $crate::sync::SpinLockIrq::new(
            $inner,
            ::kernel::c_str!($name),
            ::kernel::static_lock_class!(),
        )
    };
}
pub use new_spinlock_irq;

/// The backend of [`SpinLockIrq`].
pub struct SpinLockIrqBackend;

// SAFETY: `spin_lock` excludes all other owners until `spin_unlock`; `relock` is the default one, which locks in
// the same way.
unsafe impl Backend for SpinLockIrqBackend {
    type State = spinlock_t;
    /// The interrupt flags before the first of the locks that this processor holds was taken.
    type GuardState = c_ulong;

    /// # Safety
    ///
    /// See [`Backend::init`].
    #[inline]
    unsafe fn init(ptr: *mut Self::State, name: *const c_char, key: *mut lock_class_key) {
        // SAFETY: `Backend::init` is called with room for a lock, and with a name and a class that live as long as
        // the lock.
        unsafe { kernel::bindings::__spin_lock_init(ptr, name, key) }
    }

    /// # Safety
    ///
    /// See [`Backend::lock`].
    #[inline]
    unsafe fn lock(ptr: *mut Self::State) -> Self::GuardState {
        // SAFETY: `Backend::lock` is called with a lock that `init` has initialised.
        unsafe { bindings::storage_spin_lock_irq(ptr) }
    }

    /// # Safety
    ///
    /// See [`Backend::unlock`].
    #[inline]
    unsafe fn unlock(ptr: *mut Self::State, flags: &Self::GuardState) {
        // SAFETY: `Backend::unlock` is called by the owner of the lock, with what its `lock` or `try_lock`
        // returned. A guard is not `Send`, and its owner cannot be moved to another processor while it holds
        // the lock: this is the processor that took it.
        unsafe { bindings::storage_spin_unlock_irq(ptr, *flags) }
    }

    /// # Safety
    ///
    /// See [`Backend::try_lock`].
    #[inline]
    unsafe fn try_lock(ptr: *mut Self::State) -> Option<Self::GuardState> {
        let mut flags = 0;
        // SAFETY: `Backend::try_lock` is called with a lock that `init` has initialised.
        unsafe { bindings::storage_spin_trylock_irq(ptr, &mut flags) }.then_some(flags)
    }

    /// # Safety
    ///
    /// See [`Backend::assert_is_held`].
    #[inline]
    unsafe fn assert_is_held(_ptr: *mut Self::State) {}
}
