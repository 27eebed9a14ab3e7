// SPDX-License-Identifier: GPL-2.0

//! Growable storage that the pure modules fill while a table is parsed.
//!
//! The kernel's vectors and those of the host tests have different types; what they have in common
//! is here. Nothing grows once the table is parsed.

use core::ops::DerefMut;

/// There is no memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct OutOfMemory;

/// A vector.
pub(crate) trait Vector<T>: DerefMut<Target = [T]> + Sized {
    /// An empty vector; does not allocate.
    fn empty() -> Self;

    /// Appends `value`. May sleep.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`]; the vector is as before.
    fn append(&mut self, value: T) -> Result<(), OutOfMemory>;

    /// A vector of `values`. May sleep.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`].
    fn of(values: impl IntoIterator<Item = T>) -> Result<Self, OutOfMemory> {
        let mut vector = Self::empty();
        for value in values {
            vector.append(value)?;
        }
        Ok(vector)
    }
}

/// The vectors of one environment.
pub(crate) trait Memory {
    /// Its vector of `T`.
    type Vec<T>: Vector<T>;
}
