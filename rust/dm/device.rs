// SPDX-License-Identifier: GPL-2.0

//! The block devices under a target.
//!
//! C headers: [`include/linux/device-mapper.h`](srctree/include/linux/device-mapper.h),
//! [`include/linux/blkdev.h`](srctree/include/linux/blkdev.h)

use super::request::{
    FAILFAST_TRANSPORT,
    OPERATION, //
};
use super::status::BlockStatus;
use super::text::c_string;
use crate::bindings;
use core::ptr::NonNull;
use kernel::bindings::{
    block_device,
    dev_t,
    request,
    request_queue, //
};
use kernel::error::to_result;
use kernel::fmt;
use kernel::prelude::*;
use kernel::str::CStr;
use kernel::time::{
    msecs_to_jiffies,
    Jiffies, //
};

/// Which device of a target: its place in the order in which the constructor got them.
///
/// The same block device may be there twice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DeviceIndex(pub(super) u32);

impl DeviceIndex {
    /// The device that the constructor got as the `index`-th, from zero.
    #[inline]
    pub const fn new(index: u32) -> Self {
        Self(index)
    }

    /// The place, from zero.
    #[inline]
    pub const fn get(self) -> usize {
        self.0 as usize
    }
}

/// The number of a block device (`dev_t`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DeviceNumber(dev_t);

impl DeviceNumber {
    /// The device that a word of a table line or message names: `major:minor`, or a path in `/dev`.
    /// May sleep.
    ///
    /// # Errors
    ///
    /// - `EOVERFLOW` if the numbers are too large.
    /// - `ENOENT`, `ENOTBLK` and others of `lookup_bdev` if a path names no block device.
    pub fn from_word(word: &[u8]) -> Result<Self> {
        let word = c_string(word)?;
        let mut number = 0;
        // SAFETY: the word is a string, `number` is valid for writing.
        to_result(unsafe { bindings::dm_devt_from_path(word.as_char_ptr(), &mut number) })?;
        Ok(Self(number))
    }
}

impl fmt::Display for DeviceNumber {
    /// `major:minor`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MINOR_BITS: u32 = 20;
        write!(
            f,
            "{}:{}",
            self.0 >> MINOR_BITS,
            self.0 & ((1 << MINOR_BITS) - 1)
        )
    }
}

/// The world-wide name of a SCSI logical unit, as the kernel prints it (`naa.…`).
#[derive(Clone, Copy)]
pub struct Wwid {
    text: [u8; Self::LENGTH],
    len: usize,
}

impl Wwid {
    /// Bytes of the longest name (a SCSI name string).
    const LENGTH: usize = 255;

    /// The text.
    pub fn as_str(&self) -> &str {
        self.text
            .get(..self.len)
            .and_then(|text| core::str::from_utf8(text).ok())
            .unwrap_or("?")
    }
}

impl PartialEq for Wwid {
    fn eq(&self, other: &Self) -> bool {
        self.text.get(..self.len) == other.text.get(..other.len)
    }
}

/// A block device that a target has open.
///
/// # Invariants
///
/// `raw` was got by `dm_get_device` for a target, and is put when the target is destroyed; `bdev` and
/// `queue` are its block device and that one's queue, which live as long.
pub struct Device {
    raw: NonNull<bindings::dm_dev>,
    bdev: NonNull<block_device>,
    queue: NonNull<request_queue>,
}

// SAFETY: the C functions that are called lock for themselves.
unsafe impl Send for Device {}
// SAFETY: as above.
unsafe impl Sync for Device {}

impl Device {
    /// # Safety
    ///
    /// `raw` was just got by `dm_get_device`.
    pub(super) unsafe fn from_raw(raw: NonNull<bindings::dm_dev>) -> Option<Self> {
        // SAFETY: a device that was got has its block device open.
        let bdev = NonNull::new(unsafe { (*raw.as_ptr()).bdev })?;
        // SAFETY: an open block device has its queue.
        let queue = NonNull::new(unsafe { (*bdev.as_ptr()).bd_queue })?;
        // INVARIANT: as read.
        Some(Self { raw, bdev, queue })
    }

    pub(super) fn as_raw(&self) -> *mut bindings::dm_dev {
        self.raw.as_ptr()
    }

    #[inline]
    pub(super) fn bdev(&self) -> *mut block_device {
        self.bdev.as_ptr()
    }

    #[inline]
    pub(super) fn queue(&self) -> *mut request_queue {
        self.queue.as_ptr()
    }

    /// `major:minor`, as status shows it. Any context.
    pub fn name(&self) -> &CStr {
        // SAFETY: by the invariant; the name is a string that does not change.
        unsafe { CStr::from_char_ptr((&raw const (*self.raw.as_ptr()).name).cast()) }
    }

    /// The device's number. Any context.
    pub fn number(&self) -> DeviceNumber {
        // SAFETY: by the invariant.
        DeviceNumber(unsafe { (*self.bdev.as_ptr()).bd_dev })
    }

    /// Its size in 512-byte sectors. Any context.
    pub fn sectors(&self) -> u64 {
        // SAFETY: by the invariant.
        unsafe { bindings::storage_bdev_nr_sectors(self.bdev()) }
    }

    /// Whether its queue is being torn down: no I/O will ever be taken again. Any context.
    pub fn is_dying(&self) -> bool {
        // SAFETY: by the invariant.
        unsafe { bindings::storage_queue_dying(self.queue()) }
    }

    /// Whether the device cannot take one more request now. A hint. Any context.
    pub fn is_busy(&self) -> bool {
        // SAFETY: by the invariant.
        unsafe { kernel::bindings::blk_lld_busy(self.queue()) != 0 }
    }

    /// Whether it is a SCSI disk, and the whole of it: no partition. Any context.
    pub fn is_whole_scsi_disk(&self) -> bool {
        // SAFETY: by the invariant.
        self.is_scsi() && !unsafe { bindings::storage_is_partition(self.bdev()) }
    }

    /// Has the driver of a SCSI disk give up what targets sent to it and it has held for `msecs`: from here
    /// each such request is as one whose time (`/sys/block/DISK/device/timeout`) is over. One that its driver
    /// can abort comes back with an error. Where it cannot, error handling goes on as after any timeout:
    /// resets of the unit and of the host, after which it may be tried again below, and at last the device
    /// goes offline. Does nothing if it is no SCSI disk. May sleep.
    ///
    /// That a driver has aborted or reset says that the command is dead. That its device has gone offline
    /// does not, nor that it has lost its connection: such commands come back as well.
    ///
    /// C header: [`include/linux/blk-mq.h`](srctree/include/linux/blk-mq.h) (`blk_abort_request`)
    pub fn give_up_held(&self, msecs: u32) {
        if !self.is_whole_scsi_disk() {
            return;
        }
        let held = Held {
            queue: self.queue(),
            age: msecs_to_jiffies(msecs),
        };
        // SAFETY: by the invariant; the queue's reference keeps its tag set while it is looked through, as
        // a queue gives its set back only when none is left.
        if !unsafe { bindings::storage_queue_enter(self.queue()) } {
            return;
        }
        // SAFETY: as above: a queue that takes requests has its set.
        let set = unsafe { (*self.queue()).tag_set };
        if !set.is_null() {
            let data = core::ptr::from_ref(&held).cast_mut().cast();
            // SAFETY: the set lives, by the reference; the callback gets its own data only.
            unsafe { kernel::bindings::blk_mq_tagset_busy_iter(set, Some(Held::look_at), data) };
        }
        // SAFETY: entered above.
        unsafe { bindings::storage_queue_exit(self.queue()) };
    }

    /// Reads the first logical block, of whatever size, and says how that ended. Sleeps.
    ///
    /// # Errors
    ///
    /// `ENOMEM` if there is no memory for the block; nothing was read then.
    pub fn probe(&self) -> Result<BlockStatus> {
        // SAFETY: by the invariant.
        let size = unsafe { bindings::storage_logical_block_size(self.bdev()) };
        // Memory of a power of two, as a block is, is aligned to its size.
        let mut block = KVec::<u8>::with_capacity(size as usize, GFP_KERNEL)?;
        let data = block.as_mut_ptr().cast();
        // SAFETY: by the invariant; `data` has room for `size` bytes until the call returns, as the I/O
        // is waited for.
        let status = unsafe { bindings::storage_read_first(self.bdev(), data, size) };
        Ok(BlockStatus::from_raw(status))
    }

    /// The world-wide name of the logical unit behind it, if it is a SCSI device that has told one.
    /// May sleep.
    pub fn wwid(&self) -> Option<Wwid> {
        if !self.is_scsi() {
            return None;
        }
        let mut wwid = Wwid {
            text: [0; Wwid::LENGTH],
            len: 0,
        };
        // SAFETY: a SCSI device's queue has the device as its data, as long as it is open.
        let sdev = unsafe { (*self.queue()).queuedata }.cast::<bindings::scsi_device>();
        let id = wwid.text.as_mut_ptr().cast();
        // SAFETY: `id` has room for as many bytes as is said.
        let len = unsafe { bindings::scsi_vpd_lun_id(sdev, id, Wwid::LENGTH) };
        wwid.len = usize::try_from(len).ok()?.min(Wwid::LENGTH);
        (wwid.len != 0).then_some(wwid)
    }
}

/// What is looked for among the requests of a tag set, which other devices use as well.
struct Held {
    queue: *mut request_queue,
    age: Jiffies,
}

impl Held {
    /// # Safety
    ///
    /// Called with a request that was started and is referenced, and with a `Held`.
    unsafe extern "C" fn look_at(rq: *mut request, data: *mut c_void) -> bool {
        /// Not tried again by the driver after an abort: the target has other paths.
        const FAILFAST: u32 = 1 << kernel::bindings::req_flag_bits___REQ_FAILFAST_DEV
            | 1 << kernel::bindings::req_flag_bits___REQ_FAILFAST_DRIVER;
        /// The first operation that is a command of the device's own and not of the block layer's.
        const PASSTHROUGH: u32 = kernel::bindings::req_op_REQ_OP_DRV_IN;
        /// Bios with different failfast flags were merged: the request has those of the first.
        const MIXED: u32 = 1 << kernel::bindings::rqf_flags___RQF_MIXED_MERGE;
        // SAFETY: by this function's contract.
        let held = unsafe { &*data.cast::<Self>() };
        // SAFETY: by this function's contract the request stays the one that it is, though it may end. What
        // the block layer writes meanwhile it writes without a lock, and as whole words.
        let (queue, word, kind, deadline, timeout) = unsafe {
            (
                (&raw const (*rq).q).read_volatile(),
                (&raw const (*rq).cmd_flags).read_volatile(),
                (&raw const (*rq).rq_flags).read_volatile(),
                (&raw const (*rq).deadline).read_volatile(),
                (&raw const (*rq).timeout).read_volatile(),
            )
        };
        let of_target = word & FAILFAST_TRANSPORT != 0 && word & OPERATION < PASSTHROUGH;
        if queue != held.queue || !of_target {
            return true;
        }
        // SAFETY: a word that the timer interrupt counts up.
        let now = unsafe { (&raw const kernel::bindings::jiffies).read_volatile() };
        // CAST: a number of jiffies, from a narrower type.
        let started = deadline.wrapping_sub(timeout as c_ulong);
        let age = now.wrapping_sub(started);
        // One that has just been started may be ahead of `now`.
        if age >= held.age && age <= c_ulong::MAX / 2 {
            // The flags of a mixed request change with its bios, and have to agree with them.
            if kind & MIXED == 0 {
                // SAFETY: as for the reading; nobody else writes the flags of such a request once it was started.
                unsafe { (&raw mut (*rq).cmd_flags).write_volatile(word | FAILFAST) };
            }
            // SAFETY: the request was started, and is referenced.
            unsafe { kernel::bindings::blk_abort_request(rq) };
        }
        true
    }
}

/// The devices of a target; they are put when this is dropped.
///
/// # Invariants
///
/// All devices were got for `ti`, which lives as long as this.
pub(super) struct Devices {
    ti: NonNull<bindings::dm_target>,
    list: KVec<Device>,
}

impl Devices {
    /// # Safety
    ///
    /// `ti` is a target under construction, and lives as long as what is returned.
    pub(super) unsafe fn new(ti: NonNull<bindings::dm_target>) -> Self {
        // INVARIANT: no device yet.
        Self {
            ti,
            list: KVec::new(),
        }
    }

    /// Opens the device that `word` names. Sleeps.
    pub(super) fn open(&mut self, word: &[u8]) -> Result<DeviceIndex> {
        let word = c_string(word)?;
        let ti = self.ti.as_ptr();
        let mut raw = core::ptr::null_mut();
        self.list.reserve(1, GFP_KERNEL)?;
        // SAFETY: by the invariant `ti` is a target, which has its table.
        let mode = unsafe { bindings::dm_table_get_mode((*ti).table) };
        // SAFETY: the word is a string and `raw` can be written.
        to_result(unsafe { bindings::dm_get_device(ti, word.as_char_ptr(), mode, &mut raw) })?;
        let raw = NonNull::new(raw).ok_or(ENODEV)?;
        // SAFETY: just got.
        let Some(device) = (unsafe { Device::from_raw(raw) }) else {
            // SAFETY: got above.
            unsafe { bindings::dm_put_device(ti, raw.as_ptr()) };
            return Err(ENODEV);
        };
        let index = u32::try_from(self.list.len())?;
        self.list.push(device, GFP_KERNEL)?;
        Ok(DeviceIndex(index))
    }

    #[inline]
    pub(super) fn as_slice(&self) -> &[Device] {
        &self.list
    }
}

impl Drop for Devices {
    fn drop(&mut self) {
        for device in &self.list {
            // SAFETY: by the invariants; each was got once and is put once.
            unsafe { bindings::dm_put_device(self.ti.as_ptr(), device.as_raw()) };
        }
    }
}
