// SPDX-License-Identifier: GPL-2.0

//! A target in a table, from its constructor to its destructor.
//!
//! C header: [`include/linux/device-mapper.h`](srctree/include/linux/device-mapper.h)

use super::context::TaskContext;
use super::device::{
    Device,
    DeviceIndex,
    Devices, //
};
use super::handler::Activation;
use super::limits;
use super::target::{
    Registered,
    Target, //
};
use crate::bindings;
use core::ops::Deref;
use core::ptr::NonNull;
use core::sync::atomic::{
    AtomicBool,
    AtomicUsize,
    Ordering, //
};
use kernel::bindings::{
    delayed_work,
    work_struct, //
};
use kernel::prelude::*;
use kernel::str::CStr;
use kernel::sync::Completion;
use kernel::time::{
    msecs_to_jiffies,
    Delta, //
};
use kernel::types::Opaque;
use storage::workqueue::WorkQueue;

/// Which piece of later work of a target: below what [`Target::jobs`] says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Job(pub u32);

/// A path's news, for user space.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PathEvent {
    /// The path failed.
    Failed,
    /// It is in use again.
    Reinstated,
}

/// A piece of later work. It stays where it is while its target lives.
struct JobSlot<T: Target> {
    work: Opaque<delayed_work>,
    live: NonNull<Live<T>>,
    job: Job,
}

/// What the callback of an activation gets. It stays where it is while its target lives.
struct ActivationSlot<T: Target> {
    live: NonNull<Live<T>>,
    device: DeviceIndex,
}

/// A target in a table, which dereferences to the type that implements it.
///
/// All callbacks get one. When it is dropped no work of it runs any more, no activation is under way, and
/// its devices are put last.
///
/// # Invariants
///
/// `ti` is the target that has this as its private data: it lives longer, and so do its table, whose member it
/// is for all of that time, and the table's mapped device. `jobs` and `activations` do not grow after they have
/// been filled, and the work of each job is initialised then.
#[pin_data]
pub struct Live<T: Target> {
    #[pin]
    target: T,
    ti: NonNull<bindings::dm_target>,
    devices: Devices,
    jobs: KVec<JobSlot<T>>,
    activations: KVec<ActivationSlot<T>>,
    /// The mapped device's requests have been seen to have room for the target's data.
    has_room: AtomicBool,
    /// Activations under way, and one for the target itself.
    activating: AtomicUsize,
    #[pin]
    activated: Completion,
}

// SAFETY: it is used by several threads already, whoever owns it: what can be moved is `T`, which is `Send`, and
// devices, atomics and a completion, which are as well. The pointers to itself stay right, as it is pinned.
unsafe impl<T: Target> Send for Live<T> {}
// SAFETY: shared are `T`, which is `Sync`, devices, atomics, and a completion, which are as well. Of `ti`
// only fields are read that do not change once the constructor has returned; the work of jobs is used by
// functions of the work queues only, which lock for themselves.
unsafe impl<T: Target> Sync for Live<T> {}

impl<T: Target> Deref for Live<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.target
    }
}

impl<T: Target> Live<T> {
    /// Makes one; its devices and jobs come with [`Self::complete`].
    ///
    /// # Safety
    ///
    /// `ti` is a target under construction, which gets this as its private data or outlives it otherwise.
    pub(super) unsafe fn new<E>(
        ti: NonNull<bindings::dm_target>,
        target: impl PinInit<T, E>,
    ) -> impl PinInit<Self, Error>
    where
        Error: From<E>,
    {
        // SAFETY: `Devices::new` wants a target under construction that outlives its value: the caller's
        // does, as the value is part of this one.
        let devices = unsafe { Devices::new(ti) };
        // INVARIANT: the caller says what `ti` is. There are neither jobs nor activations yet.
        try_pin_init!(Self {
            target <- target,
            ti,
            devices,
            jobs: KVec::new(),
            activations: KVec::new(),
            has_room: AtomicBool::new(false),
            activating: AtomicUsize::new(1),
            activated <- Completion::new(),
        })
    }

    /// Gives it its devices and the room for its work.
    pub(super) fn complete(self: Pin<&mut Self>, devices: Devices) -> Result {
        // SAFETY: `get_unchecked_mut` wants that nothing is moved out: below, fields are changed where they
        // are, and `target` and `activated`, which are pinned, are not among them.
        let this = unsafe { self.get_unchecked_mut() };
        this.devices = devices;
        let live = NonNull::from(&mut *this);
        // INVARIANT: both get their final size first, and do not grow hereafter.
        let count = this.target.jobs();
        this.jobs.reserve(count as usize, GFP_KERNEL)?;
        for job in 0..count {
            let slot = JobSlot {
                work: Opaque::zeroed(),
                live,
                job: Job(job),
            };
            this.jobs.push(slot, GFP_KERNEL)?;
        }
        for slot in &this.jobs {
            // SAFETY: `INIT_DELAYED_WORK` wants memory for a work that stays where it is, which nothing has
            // queued: the slots do not move once there are all, the target is pinned, and they are new.
            // `run_job` wants the work of a slot of a `Live<T>`: this is one.
            unsafe { bindings::storage_dm_init_delayed_work(slot.work.get(), Some(Self::run_job)) };
        }
        let count = this.devices.as_slice().len();
        this.activations.reserve(count, GFP_KERNEL)?;
        for device in 0..u32::try_from(count)? {
            let slot = ActivationSlot {
                live,
                device: DeviceIndex(device),
            };
            this.activations.push(slot, GFP_KERNEL)?;
        }
        Ok(())
    }

    /// Waits for all that runs later. Afterwards nothing does. Sleeps.
    pub(super) fn quiesce(&self) {
        T::stop(self);
        for slot in &self.jobs {
            // SAFETY: it wants an initialised work: by the type's invariant it is. From here on it cannot be
            // queued.
            unsafe { kernel::bindings::disable_delayed_work_sync(slot.work.get()) };
        }
        self.end_activation();
        self.activated.wait_for_completion();
    }

    /// # Safety
    ///
    /// Called by a work queue, in task context, for the work of a slot of a `Live<T>`.
    unsafe extern "C" fn run_job(work: *mut work_struct) {
        // SAFETY: `container_of!` wants the field of such a struct: slots have delayed works, of which this
        // is `work`.
        let work = unsafe { kernel::container_of!(work, delayed_work, work) };
        // SAFETY: the caller says that the work is that of a slot, and `Opaque` is transparent. The slot
        // lives while its work runs, as `quiesce` waits for that before the target is freed, and it is only
        // shared once it is complete.
        let slot = unsafe {
            &*kernel::container_of!(work.cast::<Opaque<delayed_work>>(), JobSlot<T>, work)
        };
        // SAFETY: `complete` made the slot with its own target, which is not moved, and which waits for the work
        // before it is freed (`quiesce`).
        let live = unsafe { slot.live.as_ref() };
        // SAFETY: the caller says that this is task context; the value is gone when this returns.
        let task = unsafe { TaskContext::new() };
        T::run(live, slot.job, &task);
    }

    /// Queues a job on a queue of the target type's shared data, to run after `delay`. Returns whether it was not
    /// queued yet; if it was, it stays as it is. Any context.
    pub fn queue_job(&self, job: Job, queue: fn(&T::Shared) -> &WorkQueue, delay: Delta) -> bool {
        // A queue of the shared data, which `queue` gets for any lifetime, outlives the target and its jobs.
        let queue = queue(self.shared());
        self.with_job(job, delay, |work, delay| {
            // SAFETY: it wants an initialised work and a queue, both of which stay until the work has run or
            // is disabled: by the type's invariant, and as `quiesce` disables it; the queue as said above.
            unsafe { kernel::bindings::queue_delayed_work_on(CPU, queue.as_raw(), work, delay) }
        })
    }

    /// As [`Self::queue_job`], but a job that is queued gets the new delay. Any context.
    pub fn requeue_job(&self, job: Job, queue: fn(&T::Shared) -> &WorkQueue, delay: Delta) -> bool {
        let queue = queue(self.shared());
        self.with_job(job, delay, |work, delay| {
            // SAFETY: it wants what `queue_delayed_work_on` wants, which `queue_job` has.
            unsafe { kernel::bindings::mod_delayed_work_on(CPU, queue.as_raw(), work, delay) }
        })
    }

    /// Takes a job back, or waits for it if it runs. Sleeps.
    pub fn cancel_job(&self, job: Job) {
        self.with_job(job, Delta::ZERO, |work, _| {
            // SAFETY: it wants an initialised work: by the type's invariant it is.
            unsafe { kernel::bindings::cancel_delayed_work_sync(work) }
        });
    }

    /// Waits until a job that is queued or runs has run. Sleeps.
    pub fn flush_job(&self, job: Job) {
        self.with_job(job, Delta::ZERO, |work, _| {
            // SAFETY: it wants an initialised work: by the type's invariant it is.
            unsafe { kernel::bindings::flush_delayed_work(work) }
        });
    }

    fn with_job(
        &self,
        job: Job,
        delay: Delta,
        what: impl FnOnce(*mut delayed_work, c_ulong) -> bool,
    ) -> bool {
        let Some(slot) = self.jobs.get(job.0 as usize) else {
            return false;
        };
        let delay = u32::try_from(delay.as_millis()).unwrap_or(u32::MAX);
        what(slot.work.get(), msecs_to_jiffies(delay))
    }

    /// Starts the activation of a path by its hardware handler; [`Target::activated`] is called once
    /// when it has ended, which may be before this returns. May sleep.
    pub fn activate(&self, device: DeviceIndex) {
        let (Some(slot), Some(of)) = (
            self.activations.get(device.get()),
            self.devices.as_slice().get(device.get()),
        ) else {
            return;
        };
        self.activating.fetch_add(1, Ordering::Relaxed);
        let data = core::ptr::from_ref(slot).cast_mut().cast();
        // SAFETY: `scsi_dh_activate` wants a queue that lives, which that of an open device does, and a
        // callback with data that stays until it has been called, once: `on_activated` wants a slot of a
        // `Live<T>`, which stays, as `quiesce` waits until `activating`, counted up above, has been counted
        // down by the callback.
        unsafe { bindings::scsi_dh_activate(of.queue(), Some(Self::on_activated), data) };
    }

    /// # Safety
    ///
    /// Called once for each `scsi_dh_activate` of [`Self::activate`] with the slot that it was given.
    unsafe extern "C" fn on_activated(data: *mut c_void, code: c_int) {
        // SAFETY: the caller says what it is; it lives, as `quiesce` waits for the end of this before the target is
        // freed, and it is only shared once it is complete.
        let slot = unsafe { &*data.cast::<ActivationSlot<T>>() };
        // SAFETY: `complete` made the slot with its own target, which is not moved, and lives as said.
        let live = unsafe { slot.live.as_ref() };
        T::activated(live, slot.device, Activation::from_raw(code));
        live.end_activation();
    }

    fn end_activation(&self) {
        if self.activating.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.activated.complete_all();
        }
    }

    /// Whether the mapped device's requests have room for the target's data, which `look` finds out once.
    ///
    /// What one request has, all have: a mapped device gets its tag set, and with that the size of its
    /// requests' data, when its type is settled, before any table of it is live. A target is in one table,
    /// and that belongs to one mapped device (`dm_setup_md_queue`, `dm_mq_init_request_queue`).
    #[inline]
    pub(super) fn has_room(&self, look: impl FnOnce() -> bool) -> bool {
        if self.has_room.load(Ordering::Relaxed) {
            return true;
        }
        let has_room = look();
        // Pairs with `has_requests`: the queue was complete before it gave out a request.
        self.has_room.store(has_room, Ordering::Release);
        has_room
    }

    /// Whether the target has been asked to map a request, so that the mapped device has a queue of requests. Its
    /// type and its queue are not settled yet while the constructor and the first jobs run.
    fn has_requests(&self) -> bool {
        self.has_room.load(Ordering::Acquire)
    }

    /// What the registration shares with all its targets.
    #[inline]
    pub fn shared(&self) -> &T::Shared {
        // SAFETY: by the type's invariant the target lives; its type was set before the constructor was called and
        // does not change.
        let kind = unsafe { (*self.ti.as_ptr()).type_ };
        // SAFETY: `shared_of` wants the type of a registration of `T` that lives while the reference does. A
        // `Live<T>` is made by the constructor of such a type only, and `Registration` keeps it as long as
        // any table has a target of it.
        unsafe { Registered::<T>::shared_of(kind) }
    }

    /// The device at `index`.
    #[inline]
    pub fn device(&self, index: DeviceIndex) -> Option<&Device> {
        self.devices.as_slice().get(index.get())
    }

    /// All devices, in the order in which the constructor got them.
    pub fn devices(&self) -> &[Device] {
        self.devices.as_slice()
    }

    #[inline]
    pub(super) fn as_raw(&self) -> *mut bindings::dm_target {
        self.ti.as_ptr()
    }

    fn table(&self) -> *mut bindings::dm_table {
        // SAFETY: by the type's invariant the target lives, and `table` does not change.
        unsafe { (*self.as_raw()).table }
    }

    /// Its length in 512-byte sectors. Any context.
    pub(super) fn sectors(&self) -> u64 {
        // SAFETY: by the type's invariant the target lives; its length was set before the constructor was called.
        unsafe { (*self.as_raw()).len }
    }

    /// The mapped device, `major:minor`, for the log. Any context.
    pub fn name(&self) -> &CStr {
        // SAFETY: it wants a table with its mapped device, which by the type's invariant both live.
        let name = unsafe { bindings::dm_table_device_name(self.table()) };
        // SAFETY: it is a string that does not change and lives as long as the mapped device, and so longer
        // than this.
        unsafe { CStr::from_char_ptr(name) }
    }

    /// Whether the mapped device is suspended. Any context.
    pub fn is_suspended(&self) -> bool {
        // SAFETY: it wants a target whose table and mapped device live: by the type's invariant they do.
        unsafe { bindings::dm_suspended(self.as_raw()) != 0 }
    }

    /// Whether it is being suspended without a flush: I/O that cannot be mapped goes back to
    /// device-mapper, which keeps it. Any context.
    pub fn is_suspending_without_flush(&self) -> bool {
        // SAFETY: it wants a target whose table and mapped device live: by the type's invariant they do.
        unsafe { bindings::dm_noflush_suspending(self.as_raw()) != 0 }
    }

    /// Counts the table's event number up and wakes who waits for that. Sleeps.
    pub fn event(&self) {
        // SAFETY: it wants a table that lives: by the type's invariant it does. Before the table is live it
        // does nothing.
        unsafe { bindings::dm_table_event(self.table()) };
    }

    /// Queues a uevent about a path; it goes out with the next [`Self::event`]. Any context.
    pub fn path_event(&self, event: PathEvent, path: &CStr, valid_paths: u32) {
        let event = match event {
            PathEvent::Failed => bindings::dm_uevent_type_DM_UEVENT_PATH_FAILED,
            PathEvent::Reinstated => bindings::dm_uevent_type_DM_UEVENT_PATH_REINSTATED,
        };
        let path = path.as_char_ptr();
        // SAFETY: it wants a target whose type, table and mapped device live, as by the type's invariant they
        // do, and a string, which it copies.
        unsafe { bindings::dm_path_uevent(event, self.as_raw(), path, valid_paths) };
    }

    /// Whether a device takes every request that the mapped device's queue lets through, by the limits of both
    /// as they are now. Any context.
    pub fn takes_all(&self, device: &Device) -> bool {
        // SAFETY: it wants a table that lives: by the type's invariant it does.
        let md = unsafe { bindings::dm_table_get_md(self.table()) };
        // SAFETY: `dm_disk` wants a mapped device that lives: by the type's invariant it does. It has its disk and
        // that one's queue for all of its life.
        let own = unsafe { (*bindings::dm_disk(md)).queue };
        let (Some(own), Some(of)) = (NonNull::new(own), NonNull::new(device.queue())) else {
            return false;
        };
        // SAFETY: `of_queue` wants a queue that lives: that of the mapped device does, as said.
        let own = unsafe { limits::of_queue(own) };
        // SAFETY: `of_queue` wants a queue that lives: that of a `Device` does, which is borrowed.
        let of = unsafe { limits::of_queue(of) };
        of.cover(&own)
    }

    /// Whether a table of the mapped device is live and takes bios. Any context.
    pub(super) fn is_live_by_bios(&self) -> bool {
        // SAFETY: it wants a table that lives: by the type's invariant it does.
        let md = unsafe { bindings::dm_table_get_md(self.table()) };
        // SAFETY: it wants a mapped device that lives: by the type's invariant it does.
        let disk = unsafe { bindings::dm_disk(md) };
        // SAFETY: a mapped device has its disk, with its first partition and its queue, for all of its life.
        let (part0, by_bios) = unsafe { ((*disk).part0, (*(*disk).queue).mq_ops.is_null()) };
        // SAFETY: it wants a block device that lives: as above. Only a device with a live table has a size.
        by_bios && unsafe { bindings::storage_dm_bdev_nr_sectors(part0) } != 0
    }

    /// Runs the mapped device's queue, if it has mapped requests. Any context.
    pub fn run_queue(&self) {
        if self.has_requests() {
            // SAFETY: it wants a table whose mapped device lives, as by the type's invariant it does, and has
            // a queue that is complete, as one that has given out a request is.
            unsafe { bindings::dm_table_run_md_queue_async(self.table()) };
        }
    }

    /// Retries at once the requests that were requeued with a delay, if there can be any. Any context.
    pub fn kick_requeued(&self) {
        if !self.has_requests() {
            return;
        }
        // SAFETY: it wants a table that lives: by the type's invariant it does.
        let md = unsafe { bindings::dm_table_get_md(self.table()) };
        // SAFETY: it wants a mapped device that lives, as by the type's invariant it does, with a queue of
        // requests whose work is initialised, as that of one that has given out a request is.
        unsafe { bindings::dm_mq_kick_requeue_list(md) };
    }
}

/// Jobs run wherever the queue puts them.
const CPU: c_int = kernel::bindings::wq_misc_consts_WORK_CPU_UNBOUND as c_int;
