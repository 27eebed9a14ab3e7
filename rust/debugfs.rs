// SPDX-License-Identifier: GPL-2.0

//! A file in debugfs that shows a text, for as long as its module wants.
//!
//! The kernel crate's `kernel::debugfs` makes files that hold no module: one that is open when its module
//! goes is closed by a function that is gone. Here an open file holds the module.
//!
//! C header: [`include/linux/debugfs.h`](srctree/include/linux/debugfs.h)

use core::ptr::NonNull;
use kernel::bindings;
use kernel::error::from_err_ptr;
use kernel::fmt;
use kernel::prelude::*;
use kernel::seq_file::SeqFile;
use kernel::seq_print;
use kernel::str::CStr;

/// What a file shows.
pub trait Show: Send + Sync + Sized + 'static {
    /// The module whose code this is.
    const MODULE: &'static ThisModule;

    /// Writes the text; called for each reader, and again if the text was longer than a reader had room
    /// for. May sleep.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    fn show(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result;
}

/// A file, alone in a folder. Both go when it is dropped.
///
/// # Examples
///
/// ```ignore
/// let file = File::new(c"driver", c"state", state)?;   // /sys/kernel/debug/driver/state, for root
/// file.data().lock().count += 1;
/// ```
///
/// # Invariants
///
/// `folder` and all below it were made for this file, and nobody else takes them away.
pub struct File<T: Show> {
    folder: NonNull<bindings::dentry>,
    data: Pin<KBox<T>>,
}

// SAFETY: debugfs locks for itself, and `T` is `Send` and `Sync`.
unsafe impl<T: Show> Send for File<T> {}
// SAFETY: as above.
unsafe impl<T: Show> Sync for File<T> {}

impl<T: Show> File<T> {
    const OPERATIONS: &'static bindings::file_operations = {
        let mut operations: bindings::file_operations = pin_init::zeroed();
        operations.owner = T::MODULE.as_ptr();
        operations.open = Some(open::<T>);
        operations.read = Some(bindings::seq_read);
        operations.llseek = Some(bindings::seq_lseek);
        operations.release = Some(bindings::single_release);
        &{ operations }
    };

    /// Makes the folder at the top of debugfs, and the file in it. May sleep.
    ///
    /// # Errors
    ///
    /// - `EEXIST` if there is such a folder.
    /// - `ENOMEM` if there is no memory.
    /// - `ENODEV` if the kernel has no debugfs.
    pub fn new<E>(folder: &CStr, name: &CStr, data: impl PinInit<T, E>) -> Result<Self>
    where
        Error: From<E>,
    {
        /// Who may read it: root.
        const MODE: bindings::umode_t = 0o400;
        let data = KBox::pin_init(data, GFP_KERNEL)?;
        // SAFETY: the name is a string.
        let dentry = from_err_ptr(unsafe {
            bindings::debugfs_create_dir(folder.as_char_ptr(), core::ptr::null_mut())
        })?;
        // INVARIANT: just made; dropped, it takes away what there is.
        let file = Self {
            folder: NonNull::new(dentry).ok_or(ENOMEM)?,
            data,
        };
        let data = core::ptr::from_ref::<T>(&file.data).cast_mut().cast();
        // SAFETY: the operations live as long as their module, which an open file holds; the data, for
        // which they are, until the file is gone, and with it all readers.
        from_err_ptr(unsafe {
            bindings::debugfs_create_file_full(
                name.as_char_ptr(),
                MODE,
                dentry,
                data,
                core::ptr::null(),
                Self::OPERATIONS,
            )
        })?;
        Ok(file)
    }

    /// What it shows.
    pub fn data(&self) -> &T {
        &self.data
    }
}

impl<T: Show> Drop for File<T> {
    /// Sleeps while the file is being read.
    fn drop(&mut self) {
        // SAFETY: by the invariant. Afterwards no reader is in the file, and none comes: `data` may go.
        unsafe { bindings::debugfs_remove(self.folder.as_ptr()) };
    }
}

/// # Safety
///
/// Called by debugfs for a file that [`File::new`] made for a `T`.
unsafe extern "C" fn open<T: Show>(
    inode: *mut bindings::inode,
    file: *mut bindings::file,
) -> c_int {
    // SAFETY: by this function's contract.
    let data = unsafe { (*inode).i_private };
    // SAFETY: as above; the operations end with `single_release`.
    unsafe { bindings::single_open(file, Some(show::<T>), data) }
}

/// # Safety
///
/// Called for a file that [`open`] has opened, while debugfs keeps its data.
unsafe extern "C" fn show<T: Show>(seq: *mut bindings::seq_file, _: *mut c_void) -> c_int {
    /// Writes what it refers to.
    struct Text<'a, T>(&'a T);

    impl<T: Show> fmt::Display for Text<'_, T> {
        fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.show(out)
        }
    }

    // SAFETY: by this function's contract.
    let data = unsafe { &*(*seq).private.cast::<T>() };
    // SAFETY: by this function's contract.
    let seq = unsafe { SeqFile::from_raw(seq) };
    seq_print!(seq, "{}", Text(data));
    0
}
