// SPDX-License-Identifier: GPL-2.0

//! One map, and what device-mapper asks of it.

use core::sync::atomic::{
    AtomicBool,
    AtomicU64,
    Ordering, //
};
use kernel::prelude::*;
use kernel::str::CStr;
use kernel::sync::{
    new_condvar,
    new_mutex,
    Arc,
    CondVar,
    Mutex, //
};
use kernel::time::Delta;
use storage::new_spinlock_irq;
use storage::sync::{
    SpinLockIrq,
    SpinLockIrqGuard, //
};
use storage_dm::{
    dm_warn,
    Activation,
    Bio,
    BioList,
    BlockStatus,
    Constructor,
    DeviceIndex,
    EndBio,
    EndRequest,
    EndedBio,
    Excess,
    Features,
    Job,
    Live,
    MapRequest,
    Mapped,
    MessageAnswer,
    Refusal,
    Request,
    StatusKind,
    Target,
    TaskContext,
    Text,
    Words, //
};

use super::construct::{
    self,
    KernelMemory,
    Name,
    PathDevice, //
};
use super::features::QueueMode;
use super::io::Flight;
use super::map::{
    self,
    Suspension, //
};
use super::maps::Listed;
use super::selector::Env;
use super::{
    status,
    Shared, //
};

/// The map, as this module keeps it.
pub(crate) type Map = map::Map<KernelMemory, PathDevice>;
/// Its state.
pub(crate) type State = map::State<KernelMemory>;

/// What the pure core asks of the system.
pub(crate) struct System;

impl Env for System {
    #[inline]
    fn cpu(&self) -> u32 {
        storage::system::current_cpu()
    }

    fn same_node(&self, cpu: u32, other: u32) -> bool {
        storage::system::same_node(cpu, other)
    }

    #[inline]
    fn now(&self) -> u64 {
        storage::system::monotonic_ns()
    }
}

/// The mapped device, asked whether it is being suspended.
pub(crate) struct MappedDevice<'l>(pub(crate) &'l Live<Multipath>);

impl Suspension for MappedDevice<'_> {
    fn is_without_flush(&self) -> bool {
        self.0.is_suspending_without_flush()
    }
}

/// What the lock guards.
pub(crate) struct Guarded {
    pub(crate) state: State,
    /// Bios that wait for a path or for a group to be initialised, oldest first.
    pub(crate) waiting: BioList<Multipath>,
    /// When the timer was started that ends `queue_if_no_path`; [`None`] if this outage has none.
    pub(crate) timer_started_ns: Option<u64>,
}

/// One map.
#[pin_data]
pub(crate) struct Multipath {
    pub(crate) map: Arc<Listed>,
    /// When the log last said that a request is too large for every path, in nanoseconds; zero: never.
    pub(crate) too_large_said: AtomicU64,
    /// A device could not take a request lately, or a group is being initialised.
    pub(crate) congested: AtomicBool,
    #[pin]
    pub(crate) guarded: SpinLockIrq<Guarded>,
    /// One message or end of suspension at a time.
    #[pin]
    pub(crate) control: Mutex<()>,
    /// Woken when no initialisation is under way any more.
    #[pin]
    pub(crate) initialised: CondVar,
    /// Woken when a probe of the paths has ended.
    #[pin]
    pub(crate) probed: CondVar,
}

/// Tells user space that the map has changed.
pub(crate) const EVENT: Job = Job(0);
/// Sends bios that were kept.
pub(crate) const BIOS: Job = Job(1);
/// Ends `queue_if_no_path`.
pub(crate) const NO_PATH_TIMEOUT: Job = Job(2);
/// Looks for paths that hold I/O past the deadline.
pub(crate) const DEADLINE: Job = Job(3);
/// The first of the jobs that activate paths, one each.
const FIRST_PATH: u32 = 4;

/// The job that activates a path.
pub(crate) fn activation_of(device: DeviceIndex) -> Job {
    // CAST: a map has at most 1024 times 1024 paths.
    Job(FIRST_PATH.saturating_add(device.get() as u32))
}

impl Multipath {
    #[inline]
    pub(crate) fn lock(&self) -> SpinLockIrqGuard<'_, Guarded> {
        self.guarded.lock()
    }

    /// Sees whether the paths take all that the map lets through. Bios are split below the map.
    fn compare_limits(this: &Live<Self>) {
        if this.takes_bios() {
            return;
        }
        let mut small = false;
        for device in this
            .devices()
            .iter()
            .filter(|device| !this.takes_all(device))
        {
            small = true;
            let map = Name(this.name().to_bytes());
            let path = Name(device.name().to_bytes());
            dm_warn!("{map}: path {path} has lower limits than the map, see /sys/dev/block/{path}/queue/\n");
        }
        this.map.set_small_paths(small);
    }

    pub(crate) fn takes_bios(&self) -> bool {
        self.map.features().queue_mode == QueueMode::Bio
    }
}

#[vtable]
impl Target for Multipath {
    type Shared = Shared;
    type Io = Flight;

    const NAME: &'static CStr = c"multipath";
    const VERSION: [u32; 3] = [1, 15, 0];
    const FEATURES: Features = Features::SINGLETON
        .and(Features::IMMUTABLE)
        .and(Features::PASSES_INTEGRITY)
        .and(Features::ATOMIC_WRITES);

    fn new(
        constructor: &mut Constructor,
        words: Words<'_>,
    ) -> Result<impl PinInit<Self, Error>, Refusal> {
        let (map, state) = construct::parse(constructor, words)?;
        let map = Listed::new(map)?;
        let guarded = Guarded {
            state,
            waiting: BioList::new(),
            timer_started_ns: None,
        };
        Ok(try_pin_init!(Self {
            map,
            too_large_said: AtomicU64::new(0),
            congested: AtomicBool::new(false),
            guarded <- new_spinlock_irq!(guarded, "rmpath_state"),
            control <- new_mutex!((), "rmpath_control"),
            initialised <- new_condvar!("rmpath_initialised"),
            probed <- new_condvar!("rmpath_probed"),
        }))
    }

    fn jobs(&self) -> u32 {
        // CAST: as above.
        FIRST_PATH.saturating_add(self.map.paths().count() as u32)
    }

    fn start(this: &Live<Self>) {
        if this.shared().maps.add(this.name(), &this.map).is_err() {
            dm_warn!(
                "{}: not in debugfs: no memory\n",
                Name(this.name().to_bytes())
            );
        }
        let mut guard = this.lock();
        let effects = guard.state.started(&this.map);
        Self::settle(this, guard, effects);
        Self::set_fail_fast(this);
        Self::watch_later(this);
    }

    fn run(this: &Live<Self>, job: Job, task: &TaskContext) {
        match job {
            EVENT => this.event(),
            BIOS => Self::send_waiting(this, task),
            NO_PATH_TIMEOUT => Self::no_path_timeout(this),
            DEADLINE => Self::watch(this),
            Job(job) => Self::activate(this, DeviceIndex::new(job.saturating_sub(FIRST_PATH))),
        }
    }

    fn stop(this: &Live<Self>) {
        this.shared().maps.remove(&this.map);
        this.cancel_job(NO_PATH_TIMEOUT);
        Self::flush(this);
    }

    fn status(this: &Live<Self>, kind: StatusKind, text: &mut Text<'_>) {
        let guard = this.lock();
        let written = match kind {
            StatusKind::Info => status::write_info(&this.map, &guard.state, text),
            StatusKind::Table => status::write_table(&this.map, &guard.state, text),
            StatusKind::Ima => {
                let target = status::Target {
                    name: "multipath",
                    version: Self::VERSION,
                };
                status::write_ima(&this.map, &guard.state, target, text)
            }
        };
        // The text never fails: what does not fit is cut, and device-mapper asks again.
        debug_assert!(written.is_ok());
    }

    #[inline]
    fn map_request<'r>(this: &Live<Self>, request: &'r Request) -> MapRequest<'r, Flight> {
        Self::send_request(this, request)
    }

    fn unmap_request(this: &Live<Self>, flight: Flight) {
        this.congested.store(true, Ordering::Relaxed);
        this.map.take_back(flight.in_flight);
    }

    #[inline(always)]
    fn end_request(this: &Live<Self>, flight: Flight, status: BlockStatus) -> EndRequest {
        Self::request_ended(this, flight, status)
    }

    fn request_refused(this: &Live<Self>, flight: Flight, excess: Excess) -> EndRequest {
        Self::refused(this, flight, excess)
    }

    #[inline(always)]
    fn map_bio<'m>(this: &'m Live<Self>, bio: Bio<'m, Self>) -> Mapped<'m, Self> {
        Self::send_bio(this, bio)
    }

    #[inline(always)]
    fn end_bio<'b>(
        this: &'b Live<Self>,
        bio: EndedBio<'b, Self>,
        flight: Option<Flight>,
        status: BlockStatus,
    ) -> EndBio<'b, Self> {
        Self::bio_ended(this, bio, flight, status)
    }

    fn presuspend(this: &Live<Self>) {
        let noflush = this.is_suspending_without_flush();
        let mut guard = this.lock();
        let effects = guard.state.presuspend(&this.map, noflush);
        Self::settle(this, guard, effects);
    }

    fn presuspend_undo(this: &Live<Self>) {
        let mut guard = this.lock();
        let effects = guard.state.presuspend_undone(&this.map);
        Self::settle(this, guard, effects);
    }

    fn postsuspend(this: &Live<Self>) {
        let _control = this.control.lock();
        Self::flush(this);
    }

    fn resume(this: &Live<Self>) {
        this.map.show();
        Self::compare_limits(this);
        let mut guard = this.lock();
        let effects = guard.state.resume(&this.map);
        Self::settle(this, guard, effects);
    }

    fn message(this: &Live<Self>, words: Words<'_>, reply: &mut Text<'_>) -> Result<MessageAnswer> {
        Self::obey(this, words, reply)
    }

    fn probe_paths(this: &Live<Self>, task: &TaskContext) -> Result {
        Self::probe(this, task)
    }

    fn ioctl_device(this: &Live<Self>) -> Result<DeviceIndex> {
        Self::path_for_ioctl(this)
    }

    #[inline]
    fn busy(this: &Live<Self>) -> bool {
        // To ask the devices costs as much as to choose one. They are asked once one was found busy, until
        // one is not: a request that is mapped to a busy device goes back as this answer would have it.
        this.congested.load(Ordering::Relaxed) && Self::still_busy(this)
    }

    fn activated(this: &Live<Self>, device: DeviceIndex, outcome: Activation) {
        Self::activation_ended(this, device, outcome);
    }
}

/// A delay of none.
pub(crate) const NOW: Delta = Delta::ZERO;
