// SPDX-License-Identifier: GPL-2.0

//! What differs between the supported kernel series, in one file for each below `compat/`.
//!
//! The files define the same items, so that nothing outside them depends on the series. Drivers use what other modules
//! make of them. `Kbuild` sets
//! `kernel_VERSION_PATCHLEVEL`. To support another series, copy the file of the latest and let the compiler say what
//! has changed; to drop one, delete its file.

#[cfg(kernel_7_2)]
#[path = "compat/linux_7_2.rs"]
mod series;

#[cfg(kernel_7_3)]
#[path = "compat/linux_7_3.rs"]
mod series;

pub use self::series::*;
