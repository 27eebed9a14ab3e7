// SPDX-License-Identifier: GPL-2.0

//! The way of requests and bios: to a path, and back.
//!
//! An I/O for which a path is open takes no lock. All else is decided under the map's.

use core::sync::atomic::Ordering;
use kernel::prelude::*;
use storage_dm::{
    dm_warn,
    with_plug,
    Bio,
    BlockStatus,
    Device,
    EndBio,
    EndRequest,
    EndedBio,
    Excess,
    Live,
    MapRequest,
    Mapped,
    Request,
    TaskContext, //
};

use super::block_status::{
    BioEnd,
    PathVerdict,
    Remaining,
    RequestEnd, //
};
use super::construct::{
    KernelMemory,
    Name,
    PathDevice, //
};
use super::map::{
    self,
    Ended,
    Fitting,
    InFlight,
    NoPath,
    PathId,
    Pick, //
};
use super::selector::Env;
use super::target::{
    MappedDevice,
    Multipath,
    System,
    BIOS,
    NOW, //
};

/// The shortest time between two log lines about requests that are too large: 5 s.
const TOO_LARGE_INTERVAL_NSECS: u64 = 5_000_000_000;

/// A path for an I/O.
type Lent<'m> = map::Lent<'m, KernelMemory, PathDevice>;

/// What is kept with an I/O that is on a path.
pub(crate) struct Flight {
    pub(crate) in_flight: InFlight,
    /// When it was sent, if anyone wants to know; else zero.
    sent_ns: u64,
}

impl Multipath {
    /// The I/O goes to the path that it was lent, on a map without extras.
    #[inline]
    fn depart(lent: Lent<'_>) -> Flight {
        Flight {
            in_flight: lent.send_without_extras(),
            sent_ns: 0,
        }
    }

    /// The I/O goes to the path that it was lent.
    fn depart_with_extras(&self, lent: Lent<'_>) -> Flight {
        Flight {
            in_flight: lent.send(),
            sent_ns: if self.map.is_timed() { System.now() } else { 0 },
        }
    }

    /// The I/O has come back.
    #[inline(always)]
    fn arrive(&self, flight: Flight, status: BlockStatus) {
        let ended = Ended {
            start: (flight.sent_ns != 0).then_some(flight.sent_ns),
            error: status != BlockStatus::Ok,
        };
        self.map.end_io(flight.in_flight, &System, ended);
    }

    #[inline]
    fn device_of<'l>(this: &'l Live<Self>, lent: &Lent<'_>) -> Option<&'l Device> {
        this.device(lent.device().index())
    }

    // --- requests ---------------------------------------------------------------------------

    #[inline]
    pub(crate) fn send_request<'r>(
        this: &Live<Self>,
        request: &'r Request,
    ) -> MapRequest<'r, Flight> {
        let lent = match this.map.lend(&System, request.bytes()) {
            Some(lent) => lent,
            None => match Self::lend_for_request(this, request.bytes()) {
                Ok(lent) => lent,
                Err(decision) => return decision,
            },
        };
        if this.map.has_extras() {
            return Self::send_request_with_extras(this, request, lent);
        }
        Self::clone_and_send(this, request, lent, Self::depart)
    }

    #[inline(never)]
    fn send_request_with_extras<'r>(
        this: &Live<Self>,
        request: &'r Request,
        lent: Lent<'_>,
    ) -> MapRequest<'r, Flight> {
        let lent = if this.map.has_small_paths() {
            match Self::fit(this, request, lent) {
                Ok(lent) => lent,
                Err(decision) => return decision,
            }
        } else {
            lent
        };
        Self::clone_and_send(this, request, lent, |lent| this.depart_with_extras(lent))
    }

    #[inline(always)]
    fn clone_and_send<'r, 'm>(
        this: &Live<Self>,
        request: &'r Request,
        lent: Lent<'m>,
        depart: impl FnOnce(Lent<'m>) -> Flight,
    ) -> MapRequest<'r, Flight> {
        let Some(device) = Self::device_of(this, &lent) else {
            return MapRequest::Kill;
        };
        match request.clone_to(device) {
            Ok(clone) => MapRequest::Clone(clone, depart(lent)),
            Err(_) => Self::no_clone(this, device, lent),
        }
    }

    /// If the request is too large for the path, returns another path that accepts it. That happens because a
    /// mapped device keeps its queue limits when a table is loaded without a flush, and because the limits of a
    /// path can be lowered at any time.
    fn fit<'l, 'r>(
        this: &'l Live<Self>,
        request: &Request,
        lent: Lent<'l>,
    ) -> Result<Lent<'l>, MapRequest<'r, Flight>> {
        let excess = |path: &PathDevice| match this.device(path.index()) {
            Some(device) => request.excess(device),
            None => None,
        };
        let path = lent.device();
        let Some(of_path) = excess(path) else {
            return Ok(lent);
        };
        drop(lent);
        let mut guard = this.lock();
        let takes = |path: &PathDevice| excess(path).is_none();
        match guard
            .state
            .lend_fitting(&this.map, &System, request.bytes(), takes)
        {
            Fitting::Lent(lent) => return Ok(lent),
            Fitting::Later => return Err(MapRequest::DelayRequeue),
            Fitting::NoPath => match guard.state.no_path(&this.map, &MappedDevice(this)) {
                NoPath::Requeue | NoPath::Queue | NoPath::PushBack => {
                    return Err(MapRequest::DelayRequeue)
                }
                NoPath::Kill => {}
            },
            Fitting::TooLarge => {}
        }
        drop(guard);
        Self::too_large(this, path, of_path);
        Err(MapRequest::Kill)
    }

    /// A path's queue has refused a request.
    #[cold]
    pub(crate) fn refused(this: &Live<Self>, flight: Flight, excess: Excess) -> EndRequest {
        // From here on `fit` checks each request before it is sent.
        this.map.set_small_paths(true);
        let path = this.map.path(flight.in_flight.path());
        this.map.take_back(flight.in_flight);
        match (excess, path) {
            // The block layer counts them again for each queue, so `fit` cannot know.
            (Excess::IntegritySegments { .. }, Some(path)) => {
                Self::too_large(this, path.device(), excess);
                EndRequest::Done
            }
            _ => EndRequest::Requeue,
        }
    }

    /// A request that is too large for every usable path ends with an error. The log names one of the paths, at most
    /// every [`TOO_LARGE_INTERVAL_NSECS`].
    #[cold]
    fn too_large(this: &Live<Self>, path: &PathDevice, excess: Excess) {
        let now = System.now();
        let last = this.too_large_said.load(Ordering::Relaxed);
        if last != 0 && now.saturating_sub(last) < TOO_LARGE_INTERVAL_NSECS {
            return;
        }
        this.too_large_said.store(now.max(1), Ordering::Relaxed);
        let map = Name(this.name().to_bytes());
        let path = path.name_of();
        dm_warn!("{map}: request is too large for every usable path: path {path}: {excess}\n");
    }

    /// The path's queue has no request now, or will never have one again.
    #[cold]
    fn no_clone<'r>(this: &Live<Self>, device: &Device, lent: Lent<'_>) -> MapRequest<'r, Flight> {
        let path = lent.path();
        drop(lent);
        if device.is_dying() {
            let mut guard = this.lock();
            let effects = guard.state.offline(&this.map, path);
            Self::settle(this, guard, effects);
            return MapRequest::DelayRequeue;
        }
        this.congested.store(true, Ordering::Relaxed);
        // The block layer runs the queue again when the device has a request.
        MapRequest::Requeue
    }

    #[cold]
    fn lend_for_request<'l, 'r>(
        this: &'l Live<Self>,
        bytes: u32,
    ) -> Result<Lent<'l>, MapRequest<'r, Flight>> {
        let mut guard = this.lock();
        match guard.state.lend(&this.map, &System, bytes) {
            Pick::Lent(lent) => Ok(lent),
            Pick::Wait(effects) => {
                this.congested.store(true, Ordering::Relaxed);
                Self::settle(this, guard, effects);
                Err(MapRequest::DelayRequeue)
            }
            Pick::NoPath => Err(match guard.state.no_path(&this.map, &MappedDevice(this)) {
                NoPath::Requeue | NoPath::Queue | NoPath::PushBack => MapRequest::DelayRequeue,
                NoPath::Kill => MapRequest::Kill,
            }),
        }
    }

    /// Whether a request that is mapped now would only wait.
    #[cold]
    pub(crate) fn still_busy(this: &Live<Self>) -> bool {
        let is_busy = |path: &PathDevice| {
            let device = this.device(path.index());
            device.is_some_and(|device| device.is_busy())
        };
        let busy = match this.map.busy(is_busy) {
            Some(busy) => busy,
            None => this.lock().state.busy(&this.map, is_busy),
        };
        if !busy {
            this.congested.store(false, Ordering::Relaxed);
        }
        busy
    }

    #[inline(always)]
    pub(crate) fn request_ended(
        this: &Live<Self>,
        flight: Flight,
        status: BlockStatus,
    ) -> EndRequest {
        if status != BlockStatus::Ok {
            return Self::request_failed(this, flight, status);
        }
        this.arrive(flight, status);
        EndRequest::Done
    }

    #[cold]
    fn request_failed(this: &Live<Self>, flight: Flight, status: BlockStatus) -> EndRequest {
        let remaining = Self::after_error(this, Some(flight.in_flight.path()), status);
        this.arrive(flight, status);
        match RequestEnd::new(status, remaining) {
            RequestEnd::Done => EndRequest::Done,
            RequestEnd::Requeue => EndRequest::Requeue,
            RequestEnd::DelayRequeue => EndRequest::DelayRequeue,
        }
    }

    /// Fails the path if it is to blame, and says what is left.
    fn after_error(this: &Live<Self>, path: Option<PathId>, status: BlockStatus) -> Remaining {
        if let (Some(path), PathVerdict::Fail) = (path, PathVerdict::of(status)) {
            Self::fail_path(this, path);
        }
        let mut guard = this.lock();
        guard.state.remaining(&this.map, &MappedDevice(this))
    }

    // --- bios -------------------------------------------------------------------------------

    #[inline(always)]
    pub(crate) fn send_bio<'m>(this: &'m Live<Self>, bio: Bio<'m, Self>) -> Mapped<'m, Self> {
        match this.map.lend(&System, bio.bytes()) {
            Some(lent) => Self::sent_bio(this, bio, lent),
            None => Self::send_bio_slowly(this, bio),
        }
    }

    #[inline(never)]
    fn send_bio_again<'m>(this: &'m Live<Self>, bio: Bio<'m, Self>) -> Mapped<'m, Self> {
        Self::send_bio(this, bio)
    }

    #[inline(always)]
    fn sent_bio<'m>(this: &'m Live<Self>, bio: Bio<'m, Self>, lent: Lent<'_>) -> Mapped<'m, Self> {
        match Self::device_of(this, &lent) {
            Some(device) if this.map.has_extras() => {
                bio.remap(device, this.depart_with_extras(lent))
            }
            Some(device) => bio.remap(device, Self::depart(lent)),
            None => bio.kill(),
        }
    }

    #[cold]
    fn send_bio_slowly<'m>(this: &'m Live<Self>, bio: Bio<'m, Self>) -> Mapped<'m, Self> {
        let mut guard = this.lock();
        match guard.state.lend(&this.map, &System, bio.bytes()) {
            Pick::Lent(lent) => {
                drop(guard);
                Self::sent_bio(this, bio, lent)
            }
            Pick::Wait(effects) => {
                let mapped = bio.hold(&mut guard.waiting);
                Self::settle(this, guard, effects);
                mapped
            }
            Pick::NoPath => match guard.state.no_path(&this.map, &MappedDevice(this)) {
                // Whatever brings a path back, or ends the waiting, sends it.
                NoPath::Queue => bio.hold(&mut guard.waiting),
                NoPath::Requeue | NoPath::PushBack => bio.requeue(),
                NoPath::Kill => bio.kill(),
            },
        }
    }

    /// Sends the bios that have waited; some may have to go on waiting.
    pub(crate) fn send_waiting(this: &Live<Self>, task: &TaskContext) {
        let mut bios = this.lock().waiting.take();
        with_plug(task, || {
            while let Some(bio) = bios.pop(this) {
                Self::send_bio_again(this, bio).submit(task);
            }
        });
    }

    #[inline(always)]
    pub(crate) fn bio_ended<'b>(
        this: &'b Live<Self>,
        bio: EndedBio<'b, Self>,
        flight: Option<Flight>,
        status: BlockStatus,
    ) -> EndBio<'b, Self> {
        if status != BlockStatus::Ok {
            return Self::bio_failed(this, bio, flight, status);
        }
        if let Some(flight) = flight {
            this.arrive(flight, status);
        }
        bio.done()
    }

    #[cold]
    fn bio_failed<'b>(
        this: &'b Live<Self>,
        bio: EndedBio<'b, Self>,
        flight: Option<Flight>,
        status: BlockStatus,
    ) -> EndBio<'b, Self> {
        let path = flight.as_ref().map(|flight| flight.in_flight.path());
        if let Some(flight) = flight {
            this.arrive(flight, status);
        }
        let remaining = Self::after_error(this, path, status);
        match BioEnd::new(status, remaining) {
            BioEnd::Done => bio.done(),
            BioEnd::DoneWithError => bio.done_with(BlockStatus::IoError),
            BioEnd::Requeue => bio.requeue(),
            BioEnd::Queue => {
                let mut guard = this.lock();
                let end = bio.hold(&mut guard.waiting);
                // What ends an initialisation sends all that waits.
                if !guard.state.is_initialising() {
                    this.queue_job(BIOS, |shared| &shared.bios, NOW);
                }
                end
            }
        }
    }
}
