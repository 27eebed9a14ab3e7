// SPDX-License-Identifier: GPL-2.0

//! One rung of the ladder: its vectors, the handlers registered on them, and the timer beside them.

use super::poll::{
    Attached,
    Look,
    Poller, //
};
use crate::compat;
use crate::rcu::ReadSide;
use core::num::NonZero;
use kernel::bindings;
use kernel::device::{
    self,
    Bound, //
};
use kernel::devres::Devres;
use kernel::error::to_result;
use kernel::pci;
use kernel::prelude::*;
use kernel::str::CStr;
use kernel::sync::aref::ARef;
use kernel::sync::Arc;

/// Whose a legacy interrupt was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Line {
    /// This device raised the line, and no longer does.
    Ours,
    /// Another device on the same line did.
    NotOurs,
}

/// A driver's interrupt handler; all methods run in interrupt context.
pub trait Handler: Send + Sync + 'static {
    /// A message-signalled interrupt, which is always this device's.
    fn message(&self, dev: &device::Device<Bound>, section: ReadSide<'_>, vector: u32);

    /// An interrupt of the legacy line, which other devices may share: finds out whose it was.
    fn line(&self, dev: &device::Device<Bound>, section: ReadSide<'_>) -> Line;

    /// The timer's turn where there are no interrupts: takes what was answered.
    fn poll(&self, dev: &device::Device<Bound>, section: ReadSide<'_>);

    /// What is outstanding and what is answered; nothing is taken.
    fn look(&self) -> Look;

    /// The timer, which is the handler's alone. The driver kicks it for each command.
    fn poller(&self) -> &Poller;
}

/// The kinds of rungs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(super) enum Kind {
    MsiX,
    Msi,
    Intx,
    Poll,
}

impl Kind {
    pub(super) const ALL: [Self; 4] = [Self::MsiX, Self::Msi, Self::Intx, Self::Poll];
    pub(super) const COUNT: usize = Self::ALL.len();

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::MsiX => "msix",
            Self::Msi => "msi",
            Self::Intx => "intx",
            Self::Poll => "poll",
        }
    }

    fn as_raw(self) -> u32 {
        match self {
            Self::MsiX => bindings::PCI_IRQ_MSIX,
            Self::Msi => bindings::PCI_IRQ_MSI,
            Self::Intx => bindings::PCI_IRQ_INTX,
            // No vectors at all.
            Self::Poll => 0,
        }
    }
}

fn as_raw(dev: &pci::Device) -> *mut bindings::pci_dev {
    core::ptr::from_ref(dev).cast_mut().cast()
}

/// The vectors of a device.
///
/// # Invariants
///
/// `dev` has vectors allocated, and this is the only owner of them.
struct Vectors {
    dev: ARef<pci::Device>,
    count: NonZero<u32>,
}

impl Vectors {
    fn allocate(dev: &pci::Device<Bound>, kind: Kind, most: NonZero<u32>) -> Result<Self> {
        // SAFETY: `pci_alloc_irq_vectors` wants a valid device that its driver has: the reference is to a bound one.
        // That it has no vectors yet is checked by C, which refuses.
        let count =
            unsafe { bindings::pci_alloc_irq_vectors(as_raw(dev), 1, most.get(), kind.as_raw()) };
        to_result(count)?;
        let count = u32::try_from(count)
            .ok()
            .and_then(NonZero::new)
            .ok_or(EINVAL)?;
        // INVARIANT: just allocated.
        Ok(Self {
            dev: dev.into(),
            count,
        })
    }
}

impl Drop for Vectors {
    fn drop(&mut self) {
        // SAFETY: by the invariant the device has vectors, which are this value's; no handler is registered on one,
        // as a rung's handlers are dropped before its vectors.
        unsafe { bindings::pci_free_irq_vectors(as_raw(&self.dev)) };
    }
}

/// A handler that is registered on a vector.
///
/// # Invariants
///
/// `irq` has this object's cookie registered.
struct Registered<H: Handler> {
    irq: u32,
    cookie: KBox<Cookie<H>>,
}

/// What the C callback gets.
struct Cookie<H: Handler> {
    dev: ARef<device::Device>,
    handler: Arc<H>,
    vector: u32,
}

impl<H: Handler> Registered<H> {
    fn new(
        dev: &pci::Device<Bound>,
        kind: Kind,
        vector: u32,
        name: &'static CStr,
        handler: &Arc<H>,
    ) -> Result<Self> {
        let bound: &device::Device<Bound> = dev.as_ref();
        let cookie = KBox::new(
            Cookie {
                dev: bound.into(),
                handler: handler.clone(),
                vector,
            },
            GFP_KERNEL,
        )?;
        // SAFETY: `pci_irq_vector` wants a valid device, which the reference guarantees; it returns an error for a
        // vector that there is not.
        let irq = unsafe { bindings::pci_irq_vector(as_raw(dev), vector) };
        let irq = u32::try_from(irq).map_err(|_| Error::from_errno(irq))?;
        type Callback = unsafe extern "C" fn(c_int, *mut c_void) -> bindings::irqreturn_t;
        let (callback, flags): (Callback, u32) = match kind {
            Kind::MsiX | Kind::Msi => (message::<H>, 0),
            Kind::Intx | Kind::Poll => (line::<H>, bindings::IRQF_SHARED),
        };
        let data = core::ptr::from_ref::<Cookie<H>>(&cookie).cast_mut().cast();
        // SAFETY: `request_irq` wants a handler that can be called with the data from now on: the cookie is complete,
        // and stays in its box until `free_irq` has returned, see `drop`. It wants a name that lives as long: that
        // is static.
        to_result(unsafe {
            bindings::request_irq(
                irq,
                Some(callback),
                flags as c_ulong,
                name.as_char_ptr(),
                data,
            )
        })?;
        // INVARIANT: just registered.
        Ok(Self { irq, cookie })
    }
}

impl<H: Handler> Drop for Registered<H> {
    /// Sleeps until the handler does not run any more.
    fn drop(&mut self) {
        let data = core::ptr::from_ref::<Cookie<H>>(&self.cookie)
            .cast_mut()
            .cast();
        // SAFETY: by the invariant the interrupt has a handler registered with this cookie, by which C finds it; only
        // this drop frees it, and may sleep.
        unsafe { bindings::free_irq(self.irq, data) };
    }
}

/// # Safety
///
/// Called for an interrupt, in hard interrupt context or by a forced interrupt thread, with the cookie that was
/// registered with this function.
unsafe extern "C" fn message<H: Handler>(_irq: c_int, data: *mut c_void) -> bindings::irqreturn_t {
    // SAFETY: `Registered::new` has registered this function with a `Cookie<H>` only, which lives until `free_irq`
    // has waited for the last call; it is shared, and a cookie is `Sync`.
    let cookie = unsafe { &*data.cast::<Cookie<H>>() };
    // SAFETY: the registration belongs to a `Devres` of the device, which frees it before the device is unbound.
    let dev = unsafe { cookie.dev.as_bound() };
    // SAFETY: `in_interrupt` wants a read-side section around the use of what it returns. This function runs in hard
    // interrupt context, or with `threadirqs` in `irq_forced_thread_fn`, which disables bottom halves: either is
    // such a section. The handler gets it with a lifetime of which it knows nothing, so it cannot keep it.
    let section = unsafe { ReadSide::in_interrupt() };
    cookie.handler.poller().interrupt();
    cookie.handler.message(dev, section, cookie.vector);
    compat::IRQ_HANDLED
}

/// # Safety
///
/// Called for an interrupt, in hard interrupt context or by a forced interrupt thread, with the cookie that was
/// registered with this function.
unsafe extern "C" fn line<H: Handler>(_irq: c_int, data: *mut c_void) -> bindings::irqreturn_t {
    // SAFETY: `Registered::new` has registered this function with a `Cookie<H>` only, which lives until `free_irq`
    // has waited for the last call; it is shared, and a cookie is `Sync`.
    let cookie = unsafe { &*data.cast::<Cookie<H>>() };
    // SAFETY: the registration belongs to a `Devres` of the device, which frees it before the device is unbound.
    let dev = unsafe { cookie.dev.as_bound() };
    // SAFETY: `in_interrupt` wants a read-side section around the use of what it returns. This function runs in hard
    // interrupt context, or with `threadirqs` in `irq_forced_thread_fn`, which disables bottom halves: either is
    // such a section. The handler gets it with a lifetime of which it knows nothing, so it cannot keep it.
    let section = unsafe { ReadSide::in_interrupt() };
    match cookie.handler.line(dev, section) {
        Line::Ours => {
            cookie.handler.poller().interrupt();
            compat::IRQ_HANDLED
        }
        Line::NotOurs => compat::IRQ_NONE,
    }
}

/// What a rung holds, in the order in which it is given back.
struct Rung<H: Handler> {
    _timer: Attached<H>,
    _handlers: KVec<Registered<H>>,
    _vectors: Option<Vectors>,
}

/// Hides the type of the handler.
trait Hold: Send {}
impl<H: Handler> Hold for Rung<H> {}

/// A rung that was granted: vectors, with a handler registered on each, and the timer that watches them.
///
/// Dropped when the device is unbound at the latest. Dropping it sleeps until no handler runs.
pub struct Granted {
    _rung: Devres<KBox<dyn Hold>>,
    vectors: NonZero<u32>,
}

/// The lowest rung: the timer polls, and there are no vectors.
///
/// Dropped when the device is unbound at the latest. Dropping it sleeps until no turn is taken.
pub struct Polling {
    _rung: Devres<KBox<dyn Hold>>,
}

// SAFETY: `free_irq`, which is what the drop calls, may be called by any task; the cookie holds a device reference, a
// number and an `Arc` of a handler, which is `Send` and `Sync`.
unsafe impl<H: Handler> Send for Registered<H> {}

fn hold<H: Handler>(dev: &pci::Device<Bound>, rung: Rung<H>) -> Result<Devres<KBox<dyn Hold>>> {
    let rung: KBox<dyn Hold> = KBox::new(rung, GFP_KERNEL)?;
    Devres::new(dev.as_ref(), Ok::<_, Error>(rung))
}

impl Granted {
    pub(super) fn take<H: Handler>(
        dev: &pci::Device<Bound>,
        kind: Kind,
        most: NonZero<u32>,
        name: &'static CStr,
        handler: &Arc<H>,
    ) -> Result<Self> {
        let vectors = Vectors::allocate(dev, kind, most)?;
        let count = vectors.count;
        let mut handlers = KVec::new();
        for vector in 0..count.get() {
            let registered = Registered::new(dev, kind, vector, name, handler)?;
            handlers.push(registered, GFP_KERNEL)?;
        }
        let rung = Rung {
            _timer: Attached::new(dev.as_ref(), handler, false)?,
            _handlers: handlers,
            _vectors: Some(vectors),
        };
        Ok(Self {
            _rung: hold(dev, rung)?,
            vectors: count,
        })
    }

    /// How many vectors there are. Any context.
    pub fn vectors(&self) -> NonZero<u32> {
        self.vectors
    }
}

impl Polling {
    pub(super) fn take<H: Handler>(dev: &pci::Device<Bound>, handler: &Arc<H>) -> Result<Self> {
        let rung = Rung {
            _timer: Attached::new(dev.as_ref(), handler, true)?,
            _handlers: KVec::new(),
            _vectors: None,
        };
        Ok(Self {
            _rung: hold(dev, rung)?,
        })
    }
}
