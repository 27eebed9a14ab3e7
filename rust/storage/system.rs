// SPDX-License-Identifier: GPL-2.0

//! Facts about the system that the kernel crate does not tell: where processors are, what time it is, which
//! modules are there.
//!
//! C headers: [`include/linux/topology.h`](srctree/include/linux/topology.h),
//! [`include/linux/timekeeping.h`](srctree/include/linux/timekeeping.h),
//! [`include/linux/kobject.h`](srctree/include/linux/kobject.h)

use crate::bindings;
use kernel::cpu::{
    nr_cpu_ids,
    CpuId, //
};
use kernel::prelude::*;
use kernel::str::CStr;

/// The processor that this runs on; it may be another one at once, unless the caller cannot be moved.
/// Any context.
#[inline]
pub fn current_cpu() -> u32 {
    CpuId::current().as_u32()
}

/// Numbers of processors are below this. Any context.
#[inline]
pub fn cpu_ids() -> u32 {
    nr_cpu_ids()
}

/// Whether two processors are on the same memory node. Any context.
pub fn same_node(cpu: u32, other: u32) -> bool {
    let node_of = |cpu: u32| {
        let cpu = i32::try_from(CpuId::from_u32(cpu)?.as_u32()).ok()?;
        // SAFETY: `cpu_to_node` wants the number of a possible processor; `CpuId::from_u32` has checked that it is
        // below `nr_cpu_ids`, for all of which there is an entry.
        Some(unsafe { bindings::storage_cpu_to_node(cpu) })
    };
    node_of(cpu).is_some_and(|node| node_of(other) == Some(node))
}

/// Nanoseconds of the monotonic clock, from which the block layer takes the times of requests. Any
/// context.
#[inline]
pub fn monotonic_ns() -> u64 {
    // SAFETY: `ktime_get` has no requirements: it may be called in any context once the clock runs, which it does
    // before modules are loaded.
    let now = unsafe { kernel::bindings::ktime_get() };
    u64::try_from(now).unwrap_or(0)
}

/// Whether a module of this name is loaded, as `/sys/module/` shows it: with underscores. It may be gone at once.
/// `module` is the caller's own. In a kernel without sysfs none is. May sleep.
pub fn is_module_loaded(module: &'static ThisModule, name: &CStr) -> bool {
    // SAFETY: a `ThisModule` is the module whose code runs, so it lives. The set that its object is in, if there
    // is sysfs, was put there before its code ran, and does not change.
    let modules = unsafe { (*module.as_ptr()).mkobj.kobj.kset };
    if modules.is_null() {
        return false;
    }
    // SAFETY: `kset_find_obj` wants a set that lives, which that of all modules always does, and a string.
    let found = unsafe { kernel::bindings::kset_find_obj(modules, name.as_char_ptr()) };
    // SAFETY: `kobject_put` wants null or a reference that the caller has: `kset_find_obj` returns either.
    unsafe { kernel::bindings::kobject_put(found) };
    !found.is_null()
}
