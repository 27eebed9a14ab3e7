// SPDX-License-Identifier: GPL-2.0

//! A target in a table, from its constructor to its destructor.
//!
//! C header: [`include/linux/device-mapper.h`](srctree/include/linux/device-mapper.h)

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
use crate::workqueue::WorkQueue;
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
/// `ti` is the target that has this as its private data, and lives longer. `jobs` and `activations` do
/// not grow after they have been filled.
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

// SAFETY: what C holds of it locks for itself, and `T` is `Send` and `Sync`.
unsafe impl<T: Target> Send for Live<T> {}
// SAFETY: as above.
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
    /// `ti` is the target under construction.
    pub(super) unsafe fn new<E>(
        ti: NonNull<bindings::dm_target>,
        target: impl PinInit<T, E>,
    ) -> impl PinInit<Self, Error>
    where
        Error: From<E>,
    {
        // SAFETY: by this function's contract.
        let devices = unsafe { Devices::new(ti) };
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
        // SAFETY: nothing is moved that is pinned.
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
            // SAFETY: the slot stays where it is; the function is given its own work only.
            unsafe { bindings::storage_init_delayed_work(slot.work.get(), Some(Self::run_job)) };
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
            // SAFETY: initialised by `complete`. From here on it cannot be queued again.
            unsafe { kernel::bindings::disable_delayed_work_sync(slot.work.get()) };
        }
        self.end_activation();
        self.activated.wait_for_completion();
    }

    /// # Safety
    ///
    /// Called by a work queue for the work of a slot of a `Live<T>`, which waits for it when it goes.
    unsafe extern "C" fn run_job(work: *mut work_struct) {
        // SAFETY: the work is the first part of a delayed work.
        let work = unsafe { kernel::container_of!(work, delayed_work, work) };
        // SAFETY: by this function's contract; `Opaque` is transparent.
        let slot = unsafe {
            &*kernel::container_of!(work.cast::<Opaque<delayed_work>>(), JobSlot<T>, work)
        };
        // SAFETY: the target waits for its work when it goes.
        let live = unsafe { slot.live.as_ref() };
        T::run(live, slot.job);
    }

    /// Has a job run on a queue of the target type's shared data after `delay`. Returns whether it was not queued yet; if it was, it
    /// stays as it is. Any context.
    pub fn queue_job(&self, job: Job, queue: fn(&T::Shared) -> &WorkQueue, delay: Delta) -> bool {
        // A queue of the shared data outlives the job, whose delay nothing but the job waits for.
        let queue = queue(self.shared());
        self.with_job(job, delay, |work, delay| {
            // SAFETY: initialised by `complete`; the target waits for it when it goes.
            unsafe { kernel::bindings::queue_delayed_work_on(CPU, queue.as_raw(), work, delay) }
        })
    }

    /// As [`Self::queue_job`], but a job that is queued gets the new delay. Any context.
    pub fn requeue_job(&self, job: Job, queue: fn(&T::Shared) -> &WorkQueue, delay: Delta) -> bool {
        let queue = queue(self.shared());
        self.with_job(job, delay, |work, delay| {
            // SAFETY: as above.
            unsafe { kernel::bindings::mod_delayed_work_on(CPU, queue.as_raw(), work, delay) }
        })
    }

    /// Takes a job back, or waits for it if it runs. Sleeps.
    pub fn cancel_job(&self, job: Job) {
        self.with_job(job, Delta::ZERO, |work, _| {
            // SAFETY: initialised by `complete`.
            unsafe { kernel::bindings::cancel_delayed_work_sync(work) }
        });
    }

    /// Waits until a job that is queued or runs has run. Sleeps.
    pub fn flush_job(&self, job: Job) {
        self.with_job(job, Delta::ZERO, |work, _| {
            // SAFETY: initialised by `complete`.
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
        // SAFETY: the queue lives as long as the device is open; the slot stays until the callback has
        // been called, as `quiesce` waits for that.
        unsafe { bindings::scsi_dh_activate(of.queue(), Some(Self::on_activated), data) };
    }

    /// # Safety
    ///
    /// Called once for each `scsi_dh_activate` with the slot that it was given.
    unsafe extern "C" fn on_activated(data: *mut c_void, code: c_int) {
        // SAFETY: by this function's contract; the target waits for it when it goes.
        let slot = unsafe { &*data.cast::<ActivationSlot<T>>() };
        // SAFETY: as above.
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
        self.has_room.store(has_room, Ordering::Relaxed);
        has_room
    }

    /// What the registration shares with all its targets.
    #[inline]
    pub fn shared(&self) -> &T::Shared {
        // SAFETY: by the invariant; the type is that of the registration, which lives as long as the
        // module does, and that as long as the table.
        let kind = unsafe { (*self.ti.as_ptr()).type_ };
        // SAFETY: targets of `T` are made by a registration of `T` only.
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
        // SAFETY: by the invariant; a target has its table for all of its life.
        unsafe { (*self.as_raw()).table }
    }

    /// Its length in 512-byte sectors. Any context.
    pub fn sectors(&self) -> u64 {
        // SAFETY: by the invariant.
        unsafe { (*self.as_raw()).len }
    }

    /// The mapped device, `major:minor`, for the log. Any context.
    pub fn name(&self) -> &CStr {
        // SAFETY: by the invariant.
        let name = unsafe { bindings::dm_table_device_name(self.table()) };
        // SAFETY: the name is a string that lives as long as the mapped device.
        unsafe { CStr::from_char_ptr(name) }
    }

    /// Whether the mapped device is suspended. Any context.
    pub fn is_suspended(&self) -> bool {
        // SAFETY: by the invariant.
        unsafe { bindings::dm_suspended(self.as_raw()) != 0 }
    }

    /// Whether it is being suspended without a flush: I/O that cannot be mapped goes back to
    /// device-mapper, which keeps it. Any context.
    pub fn is_suspending_without_flush(&self) -> bool {
        // SAFETY: by the invariant.
        unsafe { bindings::dm_noflush_suspending(self.as_raw()) != 0 }
    }

    /// Counts the table's event number up and wakes who waits for that. Sleeps.
    pub fn event(&self) {
        // SAFETY: by the invariant.
        unsafe { bindings::dm_table_event(self.table()) };
    }

    /// Queues a uevent about a path; it goes out with the next [`Self::event`]. Any context.
    pub fn path_event(&self, event: PathEvent, path: &CStr, valid_paths: u32) {
        let event = match event {
            PathEvent::Failed => bindings::dm_uevent_type_DM_UEVENT_PATH_FAILED,
            PathEvent::Reinstated => bindings::dm_uevent_type_DM_UEVENT_PATH_REINSTATED,
        };
        let path = path.as_char_ptr();
        // SAFETY: by the invariant; the path is a string, which is copied.
        unsafe { bindings::dm_path_uevent(event, self.as_raw(), path, valid_paths) };
    }

    /// Whether a device takes every request that the mapped device's queue lets through, by the limits of both
    /// as they are now. Any context.
    pub fn takes_all(&self, device: &Device) -> bool {
        // SAFETY: a table has its mapped device.
        let md = unsafe { bindings::dm_table_get_md(self.table()) };
        // SAFETY: the mapped device lives as long as its table, and so do its disk and queue.
        let own = unsafe { (*bindings::dm_disk(md)).queue };
        let (Some(own), Some(of)) = (NonNull::new(own), NonNull::new(device.queue())) else {
            return false;
        };
        // SAFETY: `of_queue` needs a queue that lives: as above.
        let own = unsafe { limits::of_queue(own) };
        // SAFETY: the same: the queue lives as long as the device is open, and the device is borrowed.
        let of = unsafe { limits::of_queue(of) };
        of.cover(&own)
    }

    /// Has the mapped device's queue run, if it is request-based. Any context.
    pub fn run_queue(&self) {
        // SAFETY: by the invariant.
        unsafe { bindings::dm_table_run_md_queue_async(self.table()) };
    }

    /// Has the requests that were given back for later tried at once, if the mapped device takes requests.
    /// Any context.
    pub fn kick_requeued(&self) {
        // SAFETY: by the invariant.
        let md = unsafe { bindings::dm_table_get_md(self.table()) };
        // SAFETY: the mapped device lives as long as its table, and so do its disk and queue.
        let mq_ops = unsafe { (*(*bindings::dm_disk(md)).queue).mq_ops };
        if mq_ops.is_null() {
            return;
        }
        // SAFETY: the mapped device lives as long as its table.
        unsafe { bindings::dm_mq_kick_requeue_list(md) };
    }
}

/// Jobs run wherever the queue puts them.
const CPU: c_int = kernel::bindings::wq_misc_consts_WORK_CPU_UNBOUND as c_int;
