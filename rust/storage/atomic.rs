// SPDX-License-Identifier: GPL-2.0

//! The atomic types of the pure modules.
//!
//! The pure modules name atomics only through here, so that the host tests can put a model
//! checker's atomics in their place and compile the same source.

pub use core::sync::atomic::{
    AtomicPtr,
    AtomicU32,
    AtomicU64,
    Ordering, //
};
