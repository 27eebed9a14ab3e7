// SPDX-License-Identifier: GPL-2.0

//! The lowest rung, a timer that polls; on the rungs above it watches for interrupts that never come.
//!
//! C header: [`include/linux/hrtimer.h`](srctree/include/linux/hrtimer.h)

use super::poll_state::PollState;
use super::rung::{
    Handler,
    Kind, //
};
use super::watch_state::{
    Change,
    WatchState, //
};
use crate::compat;
use crate::rcu::ReadSide;
use core::ptr::NonNull;
use core::sync::atomic::{
    AtomicI32,
    AtomicPtr,
    AtomicU32,
    AtomicU8,
    Ordering, //
};
use kernel::bindings;
use kernel::device::{
    self,
    Bound, //
};
use kernel::fmt;
use kernel::prelude::*;
use kernel::sync::aref::ARef;
use kernel::sync::Arc;
use kernel::time::Delta;
use kernel::types::Opaque;

/// How long a completion may be pending before its interrupt counts as lost; it takes one to two of these.
pub const WATCH_PERIOD: Delta = Delta::from_secs(2);

/// Turns without anything to wait for before the timer stops. A kick that is skipped because the one before
/// was not seen yet relies on it: by the second turn, at least 50 us later, stores have got through.
const IDLE_TURNS: u8 = 2;

/// What a look at the adapter shows, without anything being taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Look {
    /// Whether hardware has commands that it has not answered, or whose answers were not taken.
    pub outstanding: bool,
    /// If answers wait: how many were taken before them, modulo 2^32.
    pub answered: Option<u32>,
}

/// The adapter's timer. It runs only while commands are outstanding.
///
/// # Invariants
///
/// - `timer` is set up, and calls [`expired`].
/// - While `state` is not closed, `turn` points to a [`Turn`] that [`Attached`] owns.
pub struct Poller {
    timer: Opaque<bindings::hrtimer>,
    state: PollState,
    turn: AtomicPtr<Turn>,
    /// Whether it polls or watches.
    watch: WatchState,
    /// Nanoseconds between turns when it polls.
    period: AtomicU32,
    idle: AtomicU8,
    /// For diagnosis: the rung in use, and what became of the others.
    rung: AtomicU8,
    refused: [AtomicI32; Kind::COUNT],
}

// SAFETY: a timer is not bound to the task that set it up: it may be started and cancelled by any. The rest is
// atomic.
unsafe impl Send for Poller {}
// SAFETY: the functions that are called for the timer lock it for themselves; the rest is atomic.
unsafe impl Sync for Poller {}

/// Who takes the turns: a thin head of what follows in memory.
#[repr(C)]
struct Turn {
    take: unsafe fn(*const Turn, &Poller) -> bool,
}

#[repr(C)]
struct TurnOf<H: Handler> {
    head: Turn,
    dev: ARef<device::Device>,
    handler: Arc<H>,
}

impl Poller {
    /// Makes a timer that turns every `period` when it polls, 50 us to 10 ms. May sleep.
    ///
    /// # Errors
    ///
    /// - `EINVAL` if the period is out of range.
    /// - `ENOMEM` if there is no memory.
    pub fn new(period: Delta) -> Result<Pin<KBox<Self>>> {
        let nanos = u32::try_from(period.as_nanos())?;
        if !(50_000..=10_000_000).contains(&nanos) {
            return Err(EINVAL);
        }
        let poller = KBox::new(
            Self {
                timer: Opaque::uninit(),
                state: PollState::new(),
                turn: AtomicPtr::new(core::ptr::null_mut()),
                watch: WatchState::new(),
                period: AtomicU32::new(nanos),
                idle: AtomicU8::new(0),
                rung: AtomicU8::new(Kind::COUNT as u8),
                refused: [const { AtomicI32::new(0) }; Kind::COUNT],
            },
            GFP_KERNEL,
        )?;
        // INVARIANT: set up here, where it stays.
        // SAFETY: `hrtimer_setup` wants room for a timer that stays where it is: it is in a box that is pinned from
        // now on, and `drop` cancels it before that goes.
        unsafe {
            bindings::hrtimer_setup(
                poller.timer.get(),
                Some(expired),
                bindings::CLOCK_MONOTONIC as bindings::clockid_t,
                bindings::hrtimer_mode_HRTIMER_MODE_REL,
            )
        };
        Ok(poller.into())
    }

    /// A command has just been given to hardware: makes sure that the timer runs. Any context.
    #[inline]
    pub fn kick(&self) {
        // Where the timer only watches, two turns are never so close that a store is not seen by the second.
        if !self.state.is_kicked() || self.is_polling() {
            self.kick_now();
        }
    }

    /// As [`Poller::kick`], but a look that was promised is not relied upon. Any context.
    pub fn kick_now(&self) {
        if self.state.kick() {
            self.start();
        }
    }

    fn start(&self) {
        let (period, mode) = (self.period(), bindings::hrtimer_mode_HRTIMER_MODE_REL);
        // SAFETY: by the invariant the timer is set up. It may be started by any context, and where it runs. It fires
        // before the poller goes, or is cancelled by its drop; one that starts after `close` finds the state closed.
        unsafe { bindings::hrtimer_start_range_ns(self.timer.get(), period, 0, mode) };
    }

    /// Nanoseconds to the next turn.
    fn period(&self) -> i64 {
        match self.is_polling() {
            true => i64::from(self.period.load(Ordering::Relaxed)),
            false => WATCH_PERIOD.as_nanos(),
        }
    }

    /// Whether completions are polled for. Any context.
    #[inline]
    fn is_polling(&self) -> bool {
        self.watch.is_polling()
    }

    /// An interrupt of the device has arrived. Any context.
    #[inline]
    pub(super) fn interrupt(&self) {
        self.watch.interrupt();
    }

    /// The name of the rung in use; `none` before there is one. Any context.
    pub fn mode(&self) -> &'static str {
        if self.is_polling() {
            return Kind::Poll.name();
        }
        Kind::ALL
            .get(usize::from(self.rung.load(Ordering::Relaxed)))
            .map_or("none", |kind| kind.name())
    }

    pub(super) fn set_mode(&self, kind: Kind) {
        self.rung.store(kind as u8, Ordering::Relaxed);
    }

    pub(super) fn set_refused(&self, kind: Kind, error: Error) {
        if let Some(place) = self.refused.get(kind as usize) {
            place.store(error.to_errno(), Ordering::Relaxed);
        }
    }

    /// Writes why each rung above the one in use is not: `msix: -28, msi: not allowed`. Any context.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn write_refused(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        let mut before = "";
        for (kind, error) in Kind::ALL.iter().zip(&self.refused) {
            let error = error.load(Ordering::Relaxed);
            if error == 0 {
                continue;
            }
            write!(out, "{before}{}: ", kind.name())?;
            match error {
                NOT_ALLOWED => out.write_str("not allowed")?,
                LOST => out.write_str("its interrupts do not arrive")?,
                errno => write!(out, "error {errno}")?,
            }
            before = ", ";
        }
        if before.is_empty() {
            out.write_str("none")?;
        }
        Ok(())
    }

    pub(super) fn forbid(&self, kind: Kind) {
        if let Some(place) = self.refused.get(kind as usize) {
            place.store(NOT_ALLOWED, Ordering::Relaxed);
        }
    }

    /// What [`Poller::write_refused`] says of the rung in use: its interrupts are lost, or it is well.
    fn set_lost(&self, lost: bool) {
        let rung = self.rung.load(Ordering::Relaxed);
        if let Some(place) = self.refused.get(usize::from(rung)) {
            place.store(if lost { LOST } else { 0 }, Ordering::Relaxed);
        }
    }

    /// Looks whether interrupts arrive. Where they do not, it polls until they do again: the handlers stay
    /// registered, and cost nothing.
    fn watch(&self, dev: &device::Device<Bound>, look: Look) {
        match self.watch.look(look.answered) {
            Change::None => {}
            Change::FellBack => {
                self.set_lost(true);
                dev_warn!(
                    dev,
                    "completions pending without interrupt, falling back to polling\n"
                );
            }
            Change::Recovered => {
                self.set_lost(false);
                dev_info!(dev, "interrupts arrive again, back to {}\n", self.mode());
            }
        }
    }
}

/// In `Poller::refused`: beside error numbers, which are negative.
const NOT_ALLOWED: i32 = 1;
const LOST: i32 = 2;

impl Drop for Poller {
    /// Sleeps until the timer does not run.
    fn drop(&mut self) {
        self.state.close();
        // SAFETY: by the invariant the timer is set up. A drop has no lock that `expired` would wait for, and nobody
        // can start the timer again, as that takes a reference.
        unsafe { bindings::hrtimer_cancel(self.timer.get()) };
    }
}

/// The timer's connection to a handler. Dropping it sleeps until no turn is taken.
///
/// # Invariants
///
/// `poller` is the handler's, which `_turn` keeps, and has `_turn`.
pub(super) struct Attached<H: Handler> {
    _turn: KBox<TurnOf<H>>,
    // What the handler said once: it may say another thing the next time.
    poller: NonNull<Poller>,
}

// SAFETY: the poller is `Sync`, so a pointer to it may be used by any task; the turn is owned, and holds a device
// reference and an `Arc` of a handler, which is `Send` and `Sync`.
unsafe impl<H: Handler> Send for Attached<H> {}

impl<H: Handler> Attached<H> {
    /// # Errors
    ///
    /// - `EBUSY` if the handler's poller is attached already.
    /// - `ENOMEM` if there is no memory.
    pub(super) fn new(
        dev: &device::Device<Bound>,
        handler: &Arc<H>,
        polling: bool,
    ) -> Result<Self> {
        let turn = KBox::new(
            TurnOf {
                head: Turn {
                    take: take_turn::<H>,
                },
                dev: dev.into(),
                handler: handler.clone(),
            },
            GFP_KERNEL,
        )?;
        // Of the handler that the turn keeps.
        let poller = turn.handler.poller();
        let data = core::ptr::from_ref(&*turn).cast_mut().cast::<Turn>();
        let null = core::ptr::null_mut();
        poller
            .turn
            .compare_exchange(null, data, Ordering::Release, Ordering::Relaxed)
            .map_err(|_| EBUSY)?;
        poller.watch.start(polling);
        // INVARIANT: the turn stands before the state is open.
        poller.state.open();
        let poller = NonNull::from(poller);
        Ok(Self {
            _turn: turn,
            poller,
        })
    }
}

impl<H: Handler> Drop for Attached<H> {
    fn drop(&mut self) {
        // SAFETY: by the invariant the poller was borrowed from the handler that `_turn` keeps, which is dropped after
        // this. Nobody can borrow that mutably, so the borrow could have lasted until now.
        let poller = unsafe { self.poller.as_ref() };
        poller.state.close();
        // A turn that has begun ends; one that a late kick starts finds the state closed.
        // SAFETY: by the poller's invariant the timer is set up; a drop has no lock that `expired` would wait for.
        unsafe { bindings::hrtimer_cancel(poller.timer.get()) };
        poller.turn.store(core::ptr::null_mut(), Ordering::Relaxed);
    }
}

/// # Safety
///
/// Called by the timer of a [`Poller`], in interrupt context.
unsafe extern "C" fn expired(timer: *mut bindings::hrtimer) -> bindings::hrtimer_restart {
    // SAFETY: `Poller::new` is the only place that sets a timer up with this function, and the timer is a field of a
    // poller, which is shared, is `Sync`, and waits for this function before it goes.
    let poller = unsafe { &*kernel::container_of!(Opaque::cast_from(timer), Poller, timer) };
    let Some(kicked) = poller.state.begin() else {
        return compat::HRTIMER_NORESTART;
    };
    if kicked {
        poller.idle.store(0, Ordering::Relaxed);
    }
    let turn = poller.turn.load(Ordering::Acquire);
    // SAFETY: the state was open when this turn began, so the turn is there; `Attached` waits for the end of
    // this function before it goes.
    let waiting = unsafe { ((*turn).take)(turn, poller) };
    if !poller.state.finish(waiting) {
        return compat::HRTIMER_NORESTART;
    }
    let period = poller.period();
    // However long a turn takes, half a period at least is left to others before the next.
    // SAFETY: `ktime_get` has no requirements.
    let after = unsafe { bindings::ktime_get() }.saturating_add(period / 2);
    // SAFETY: `hrtimer_forward` wants a timer that is not queued: this is its own function, which runs while it is
    // not, and returns that it is to be queued again.
    unsafe { bindings::hrtimer_forward(timer, after, period) };
    compat::HRTIMER_RESTART
}

/// Takes a turn; true if there is something to wait for.
///
/// # Safety
///
/// `turn` is the head of a [`TurnOf`] of the same `H` that stays during the call; this is an interrupt.
unsafe fn take_turn<H: Handler>(turn: *const Turn, poller: &Poller) -> bool {
    // SAFETY: the caller guarantees that the turn is the first field of a `TurnOf<H>`, which stays during the call; both
    // have C's layout. It is shared, and `Sync`.
    let turn = unsafe { &*turn.cast::<TurnOf<H>>() };
    // SAFETY: `Attached` belongs to a `Devres` of the device, and waits for this function before the device is
    // unbound.
    let dev = unsafe { turn.dev.as_bound() };
    // SAFETY: the caller guarantees that this is an interrupt. The handler gets the section with a lifetime of which it
    // knows nothing, so it cannot keep it.
    let section = unsafe { ReadSide::in_interrupt() };
    let was_polling = poller.is_polling();
    poller.watch(dev, turn.handler.look());
    if was_polling || poller.is_polling() {
        turn.handler.poll(dev, section);
    }
    if turn.handler.look().outstanding {
        poller.idle.store(0, Ordering::Relaxed);
        return true;
    }
    let idle = poller.idle.load(Ordering::Relaxed).saturating_add(1);
    poller.idle.store(idle, Ordering::Relaxed);
    idle < IDLE_TURNS
}
