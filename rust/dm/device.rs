// SPDX-License-Identifier: GPL-2.0

//! The block devices under a target.
//!
//! C headers: [`include/linux/device-mapper.h`](srctree/include/linux/device-mapper.h),
//! [`include/linux/blkdev.h`](srctree/include/linux/blkdev.h)

use super::context::TaskContext;
use super::request::{
    flag,
    OPERATION, //
};
use super::status::BlockStatus;
use super::text::c_string;
use crate::bindings;
use core::ptr::NonNull;
use core::sync::atomic::{
    AtomicU32,
    Ordering, //
};
use kernel::bindings::{
    blk_opf_t,
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

/// I/O of targets ends at the first transport error: the target has other devices for it.
const FAILFAST_TRANSPORT: blk_opf_t =
    flag(kernel::bindings::req_flag_bits___REQ_FAILFAST_TRANSPORT);
/// It ends at the first error that the device reports, and is not sent to it again after an abort.
const FAILFAST_DEV: blk_opf_t = flag(kernel::bindings::req_flag_bits___REQ_FAILFAST_DEV);

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
        // SAFETY: it wants a string, and a place for the number that is valid for writing: a local.
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
/// `raw` was got by `dm_get_device` for a target, and is put when this is gone; `bdev` and `queue` are its block
/// device and that one's queue, which live as long.
pub struct Device {
    raw: NonNull<bindings::dm_dev>,
    bdev: NonNull<block_device>,
    queue: NonNull<request_queue>,
    /// The failfast flags of the I/O that is sent to it.
    fail_fast: AtomicU32,
}

// SAFETY: nothing in it belongs to a thread: it is open until the target puts it, whichever thread does.
unsafe impl Send for Device {}
// SAFETY: what is shared are an atomic, fields of C structures that do not change while the device is open, and C
// functions that lock for themselves.
unsafe impl Sync for Device {}

impl Device {
    /// # Safety
    ///
    /// `raw` was just got by `dm_get_device`, and is put when what is returned is gone.
    pub(super) unsafe fn from_raw(raw: NonNull<bindings::dm_dev>) -> Option<Self> {
        // SAFETY: the caller says that it is a device that was got: it lives, and `bdev` does not change.
        let bdev = NonNull::new(unsafe { (*raw.as_ptr()).bdev })?;
        // SAFETY: such a device has its block device open, which so lives; its queue does not change.
        let queue = NonNull::new(unsafe { (*bdev.as_ptr()).bd_queue })?;
        // INVARIANT: the caller says so of `raw`; the others are what it has open.
        Some(Self {
            raw,
            bdev,
            queue,
            fail_fast: AtomicU32::new(FAILFAST_TRANSPORT),
        })
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

    /// The failfast flags of I/O that is sent to it now.
    #[inline]
    pub(super) fn fail_fast(&self) -> blk_opf_t {
        // Each I/O has the flags of some moment about when it is sent, which is all that is promised.
        self.fail_fast.load(Ordering::Relaxed)
    }

    /// `major:minor`, as status shows it. Any context.
    pub fn name(&self) -> &CStr {
        // SAFETY: by the type's invariant the device lives; its name is a string in it that does not change.
        unsafe { CStr::from_char_ptr((&raw const (*self.raw.as_ptr()).name).cast()) }
    }

    /// The device's number. Any context.
    pub fn number(&self) -> DeviceNumber {
        // SAFETY: by the type's invariant the block device lives; its number does not change.
        DeviceNumber(unsafe { (*self.bdev.as_ptr()).bd_dev })
    }

    /// Its size in 512-byte sectors. Any context.
    pub(super) fn sectors(&self) -> u64 {
        // SAFETY: it wants a block device that lives: by the type's invariant it does.
        unsafe { bindings::storage_dm_bdev_nr_sectors(self.bdev()) }
    }

    /// Whether its queue is being torn down: no I/O will ever be taken again. Any context.
    pub fn is_dying(&self) -> bool {
        // SAFETY: it wants a queue that lives: by the type's invariant it does.
        unsafe { bindings::storage_dm_queue_dying(self.queue()) }
    }

    /// Whether the device cannot take one more request now. A hint. Any context.
    pub fn is_busy(&self) -> bool {
        // SAFETY: it wants a queue that lives: by the type's invariant it does.
        unsafe { kernel::bindings::blk_lld_busy(self.queue()) != 0 }
    }

    /// Whether it is a SCSI disk, and the whole of it: no partition. May sleep.
    pub fn is_whole_scsi_disk(&self) -> bool {
        // SAFETY: it wants a block device that lives: by the type's invariant it does.
        self.is_scsi() && !unsafe { bindings::storage_dm_is_partition(self.bdev()) }
    }

    /// Sets whether I/O that is sent to it from here on ends with its first error of any kind, or when it is
    /// aborted, instead of being retried on this device (`REQ_FAILFAST_DEV`). Only such I/O can be given up
    /// ([`Self::give_up_held`]). Without this, only transport errors end I/O at once. Any context.
    pub fn set_fail_fast(&self, on: bool) {
        let device = if on { FAILFAST_DEV } else { 0 };
        self.fail_fast
            .store(FAILFAST_TRANSPORT | device, Ordering::Relaxed);
    }

    /// Times out the requests that a SCSI disk has held for `msecs`, if targets sent them to fail fast
    /// ([`Self::set_fail_fast`]): from here on each is like a request whose timeout
    /// (`/sys/block/DISK/device/timeout`) has expired. If the driver can abort it, it ends with an error. If
    /// not, error handling escalates as after any timeout: resets of the unit and of the host, after which
    /// the disk may retry it, and at last the device goes offline. A request that was not sent to fail fast
    /// is left alone, as the disk would retry it after an abort. Does nothing if it is no SCSI disk. May
    /// sleep.
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
        // SAFETY: it wants a queue that lives: by the type's invariant it does.
        if !unsafe { bindings::storage_dm_queue_enter(self.queue()) } {
            return;
        }
        // SAFETY: the queue lives, and has its tag set as long as it is entered: it gives the set back when
        // it is torn down, for which it waits until nobody has entered it.
        let set = unsafe { (*self.queue()).tag_set };
        if !set.is_null() {
            let data = core::ptr::from_ref(&held).cast_mut().cast();
            // SAFETY: it wants a set that lives, as this one does while the queue is entered, and a callback
            // with its data: `look_at` wants a started request, referenced, and a `Held`, which `held` is
            // until this returns.
            unsafe { kernel::bindings::blk_mq_tagset_busy_iter(set, Some(Held::look_at), data) };
        }
        // SAFETY: it wants a queue that the caller has entered: above.
        unsafe { bindings::storage_dm_queue_exit(self.queue()) };
    }

    /// Reads the first logical block, of whatever size, and says how that ended. Sleeps.
    ///
    /// # Errors
    ///
    /// `ENOMEM` if there is no memory for the block; nothing was read then.
    pub fn probe(&self, _task: &TaskContext) -> Result<BlockStatus> {
        // SAFETY: it wants a block device that lives: by the type's invariant it does.
        let size = unsafe { bindings::storage_dm_logical_block_size(self.bdev()) };
        // Memory of a power of two, as a block is, is aligned to its size.
        let mut block = KVec::<u8>::with_capacity(size as usize, GFP_KERNEL)?;
        let data = block.as_mut_ptr().cast();
        // SAFETY: `bdev_rw_virt` wants a block device that is open, which by the type's invariant it is,
        // `size` bytes of memory with linear addresses, which the vector has allocated by `kmalloc` and keeps
        // until the I/O, which is waited for, has ended, and task context, of which `_task` is the proof.
        let status = unsafe { bindings::storage_dm_read_first(self.bdev(), data, size) };
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
        // SAFETY: by the type's invariant the queue lives; `queuedata` does not change while its disk is open.
        let sdev = unsafe { (*self.queue()).queuedata }.cast::<bindings::scsi_device>();
        let id = wwid.text.as_mut_ptr().cast();
        // SAFETY: `scsi_vpd_lun_id` wants a SCSI device that lives: the queue of a SCSI device, as `is_scsi`
        // has found this one to be, has the device as its data, and an open disk has a reference to it. It
        // wants room for as many bytes as it is told, which the array has.
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
    /// Called with a request that was started, and that is referenced until this returns, and with a `Held`.
    ///
    /// The request belongs to its driver and to the block layer, which write it without a lock that could be taken
    /// here. So nothing of it is written, but by `blk_abort_request`, which is made for that.
    unsafe extern "C" fn look_at(rq: *mut request, data: *mut c_void) -> bool {
        /// The first operation that is a command of the device's own and not of the block layer's.
        const PASSTHROUGH: u32 = kernel::bindings::req_op_REQ_OP_DRV_IN;
        /// What it is sent with that can be given up.
        const GIVEN_UP: blk_opf_t = FAILFAST_TRANSPORT | FAILFAST_DEV;
        // SAFETY: the caller says that it is a `Held`, which nobody writes.
        let held = unsafe { &*data.cast::<Self>() };
        // SAFETY: the caller says that the request is referenced: its memory stays, and it stays the one that
        // it is, though it may end. What others write meanwhile they write as whole words, and any value of
        // them will do: at worst a request is asked for that has just ended, or one that would have been is
        // not, until the next time.
        let (queue, flags, deadline, timeout) = unsafe {
            (
                (&raw const (*rq).q).read_volatile(),
                (&raw const (*rq).cmd_flags).read_volatile(),
                (&raw const (*rq).deadline).read_volatile(),
                (&raw const (*rq).timeout).read_volatile(),
            )
        };
        let of_target = flags & GIVEN_UP == GIVEN_UP && flags & OPERATION < PASSTHROUGH;
        if queue != held.queue || !of_target {
            return true;
        }
        // SAFETY: `jiffies` is a word that is always there, and that the timer interrupt counts up as a whole.
        let now = unsafe { (&raw const kernel::bindings::jiffies).read_volatile() };
        // CAST: a number of jiffies, from a narrower type.
        let started = deadline.wrapping_sub(timeout as c_ulong);
        let age = now.wrapping_sub(started);
        // One that has just been started may be ahead of `now`.
        if age >= held.age && age <= c_ulong::MAX / 2 {
            // SAFETY: it wants a request that was started and stays until it returns: the caller says so.
            // Whether it ends meanwhile the block layer's timer finds out, for which it is made.
            unsafe { kernel::bindings::blk_abort_request(rq) };
        }
        true
    }
}

/// The devices of a target; they are put when this is dropped.
///
/// # Invariants
///
/// All devices were got for `ti`, each once, and none of them was put. `ti` and its table live as long as this.
pub(super) struct Devices {
    ti: NonNull<bindings::dm_target>,
    list: KVec<Device>,
}

impl Devices {
    /// # Safety
    ///
    /// `ti` is a target under construction, and lives, with its table, as long as what is returned.
    pub(super) unsafe fn new(ti: NonNull<bindings::dm_target>) -> Self {
        // INVARIANT: no device yet; the caller says so of `ti`.
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
        // SAFETY: it wants a table that lives: by the type's invariant that of `ti` does.
        let mode = unsafe { bindings::dm_table_get_mode((*ti).table) };
        // SAFETY: it wants a target with its table, which by the type's invariant live, and of which only
        // this thread opens devices: a constructor runs alone, and `Devices` is given up to `Live` when it is
        // done. The word is a string, and `raw` is valid for writing.
        to_result(unsafe { bindings::dm_get_device(ti, word.as_char_ptr(), mode, &mut raw) })?;
        let raw = NonNull::new(raw).ok_or(ENODEV)?;
        // SAFETY: it was got by the call above, and is put by this, which owns the value.
        let Some(device) = (unsafe { Device::from_raw(raw) }) else {
            // SAFETY: it wants a device that was got for this target: above, and put nowhere else.
            unsafe { bindings::dm_put_device(ti, raw.as_ptr()) };
            return Err(ENODEV);
        };
        // CAST: there is no memory for more.
        let index = self.list.len() as u32;
        // INVARIANT: got above. There is room, so that nothing keeps it from the list.
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
            // SAFETY: it wants a device that was got for this target: by the type's invariant each was, once,
            // and is not used after this, as the list is dropped with its owner.
            unsafe { bindings::dm_put_device(self.ti.as_ptr(), device.as_raw()) };
        }
    }
}
