// SPDX-License-Identifier: GPL-2.0

//! A read-only text file in debugfs.
//!
//! Such a file is only for diagnosis: if it cannot be created, the log says so and the module works without it.
//! Debugfs may be switched off (`debugfs=off`), or not be built into the kernel.
//!
//! The kernel crate's `kernel::debugfs` makes files that hold no module: one that is open when its module
//! goes is closed by a function that is gone. Here an open file holds the module.
//!
//! C header: [`include/linux/debugfs.h`](srctree/include/linux/debugfs.h)

use kernel::fmt;
use kernel::prelude::*;
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
pub struct File<T: Show> {
    // Goes before what it shows.
    _folder: Option<folder::Folder>,
    data: Pin<KBox<T>>,
}

impl<T: Show> File<T> {
    /// Makes the folder at the top of debugfs, and the file in it. If that fails, the log says so, and the
    /// value works without a file. May sleep.
    ///
    /// # Errors
    ///
    /// - `ENOMEM` if there is no memory for the data.
    /// - Those of `data`.
    pub fn new<E>(folder: &CStr, name: &CStr, data: impl PinInit<T, E>) -> Result<Self>
    where
        Error: From<E>,
    {
        let data = KBox::pin_init(data, GFP_KERNEL)?;
        // SAFETY: the folder goes before the data: by the order of the fields where this is dropped, and the
        // data stay where they are, as they are pinned in a box that nobody can take.
        let made = unsafe { folder::Folder::new(folder, name, &*data) }
            .inspect_err(|error| {
                pr_info!("debugfs file {}/{} not made: {:?}\n", folder, name, error)
            })
            .ok();
        Ok(Self {
            _folder: made,
            data,
        })
    }

    /// What it shows.
    pub fn data(&self) -> &T {
        &self.data
    }
}

/// A kernel without debugfs.
#[cfg(not(CONFIG_DEBUG_FS))]
mod folder {
    use super::*;

    /// There is none.
    pub(super) struct Folder(core::convert::Infallible);

    impl Folder {
        /// # Safety
        ///
        /// None.
        pub(super) unsafe fn new<T: Show>(_: &CStr, _: &CStr, _: &T) -> Result<Self> {
            Err(ENODEV)
        }
    }
}

#[cfg(CONFIG_DEBUG_FS)]
mod folder {
    use super::*;
    use core::ptr::NonNull;
    use kernel::bindings;
    use kernel::error::from_err_ptr;
    use kernel::seq_file::SeqFile;
    use kernel::seq_print;

    /// A folder with one file in it.
    ///
    /// # Invariants
    ///
    /// The folder and all below it were made for this value, and nobody else takes them away.
    pub(super) struct Folder(NonNull<bindings::dentry>);

    // SAFETY: `debugfs_remove`, the only thing that is done with it, may be called by any task.
    unsafe impl Send for Folder {}
    // SAFETY: nothing can be done with a reference to it.
    unsafe impl Sync for Folder {}

    /// What C calls for a file that shows a `T`.
    struct Operations<T>(core::marker::PhantomData<fn() -> T>);

    impl<T: Show> Operations<T> {
        const RAW: &'static bindings::file_operations = {
            let mut operations: bindings::file_operations = pin_init::zeroed();
            operations.owner = T::MODULE.as_ptr();
            operations.open = Some(open::<T>);
            operations.read = Some(bindings::seq_read);
            operations.llseek = Some(bindings::seq_lseek);
            operations.release = Some(bindings::single_release);
            &{ operations }
        };
    }

    impl Folder {
        /// Makes both. May sleep.
        ///
        /// # Errors
        ///
        /// - `EPERM` if debugfs is switched off.
        /// - `EEXIST` if there is such a folder.
        /// - `ENOMEM` if there is no memory.
        ///
        /// # Safety
        ///
        /// `data` stays where it is, and valid, until the value has been dropped.
        pub(super) unsafe fn new<T: Show>(folder: &CStr, name: &CStr, data: &T) -> Result<Self> {
            /// Who may read it: root.
            const MODE: bindings::umode_t = 0o400;
            // SAFETY: the name is a string that C copies; no parent means the top of debugfs.
            let dentry = from_err_ptr(unsafe {
                bindings::debugfs_create_dir(folder.as_char_ptr(), core::ptr::null_mut())
            })?;
            // INVARIANT: just made; dropped, it takes away what there is.
            let made = Self(NonNull::new(dentry).ok_or(ENOMEM)?);
            let data = core::ptr::from_ref(data).cast_mut().cast();
            // SAFETY:
            // - The name is a string that C copies; the parent is the folder that was just made.
            // - The operations are a constant of the module that they name as their owner, which debugfs
            //   holds while a file is open.
            // - They are for a `T`, which the data are; the caller keeps those until the value has been
            //   dropped, and with it the file and its readers.
            from_err_ptr(unsafe {
                bindings::debugfs_create_file_full(
                    name.as_char_ptr(),
                    MODE,
                    dentry,
                    data,
                    core::ptr::null(),
                    Operations::<T>::RAW,
                )
            })?;
            Ok(made)
        }
    }

    impl Drop for Folder {
        /// Sleeps while the file is being read.
        fn drop(&mut self) {
            // SAFETY: by the invariant the folder is there, and nobody else removes it. On return no reader is
            // in the file, and none comes.
            unsafe { bindings::debugfs_remove(self.0.as_ptr()) };
        }
    }

    /// # Safety
    ///
    /// Called by debugfs for a file that [`Folder::new`] made for a `T`.
    unsafe extern "C" fn open<T: Show>(
        inode: *mut bindings::inode,
        file: *mut bindings::file,
    ) -> c_int {
        // SAFETY: debugfs passes the file's inode, which is valid during the call; it has put the data there
        // before the file could be opened.
        let data = unsafe { (*inode).i_private };
        // SAFETY: debugfs passes a file that is being opened. `show` gets the data from C while the file is
        // read; the operations end with `single_release`, which frees what this allocates.
        unsafe { bindings::single_open(file, Some(show::<T>), data) }
    }

    /// # Safety
    ///
    /// Called for a file that [`open`] has opened for a `T`.
    unsafe extern "C" fn show<T: Show>(seq: *mut bindings::seq_file, _: *mut c_void) -> c_int {
        /// Writes what it refers to.
        struct Text<'a, T>(&'a T);

        impl<T: Show> fmt::Display for Text<'_, T> {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.show(out)
            }
        }

        // SAFETY: `private` is the data that `open` gave to `single_open`, a `T`. Its folder's owner keeps it
        // until `debugfs_remove` has returned, which waits for this function; it is shared, and `T` is `Sync`.
        let data = unsafe { &*(*seq).private.cast::<T>() };
        // SAFETY: C passes a sequence file that is valid during the call.
        let seq = unsafe { SeqFile::from_raw(seq) };
        seq_print!(seq, "{}", Text(data));
        0
    }
}
