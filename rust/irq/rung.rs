// SPDX-License-Identifier: GPL-2.0

//! One rung of the ladder: its vectors and the handlers registered on them.

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
    fn message(&self, dev: &device::Device<Bound>, vector: u32);

    /// An interrupt of the legacy line, which other devices may share: finds out whose it was.
    fn line(&self, dev: &device::Device<Bound>) -> Line;
}

/// The kinds of rungs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    MsiX,
    Msi,
    Intx,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::MsiX => "msix",
            Self::Msi => "msi",
            Self::Intx => "intx",
        }
    }

    fn as_raw(self) -> u32 {
        match self {
            Self::MsiX => bindings::PCI_IRQ_MSIX,
            Self::Msi => bindings::PCI_IRQ_MSI,
            Self::Intx => bindings::PCI_IRQ_INTX,
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
        // SAFETY: the device is valid, and bound to the driver that asks.
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
        // SAFETY: by the invariant; the handlers are gone, being dropped before.
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
        // SAFETY: the device is valid.
        let irq = unsafe { bindings::pci_irq_vector(as_raw(dev), vector) };
        let irq = u32::try_from(irq).map_err(|_| Error::from_errno(irq))?;
        type Callback = unsafe extern "C" fn(c_int, *mut c_void) -> c_uint;
        let (callback, flags): (Callback, u32) = match kind {
            Kind::MsiX | Kind::Msi => (message::<H>, 0),
            Kind::Intx => (line::<H>, bindings::IRQF_SHARED),
        };
        let data = core::ptr::from_ref::<Cookie<H>>(&cookie).cast_mut().cast();
        // SAFETY: the cookie is complete and stays where it is until `free_irq` has returned.
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
        // SAFETY: by the invariant.
        unsafe { bindings::free_irq(self.irq, data) };
    }
}

/// # Safety
///
/// `data` is the cookie that was registered with this function, and is valid.
unsafe extern "C" fn message<H: Handler>(_irq: c_int, data: *mut c_void) -> c_uint {
    // SAFETY: by this function's contract.
    let cookie = unsafe { &*data.cast::<Cookie<H>>() };
    // SAFETY: handlers are freed before the device is unbound.
    let dev = unsafe { cookie.dev.as_bound() };
    cookie.handler.message(dev, cookie.vector);
    bindings::irqreturn_IRQ_HANDLED
}

/// # Safety
///
/// `data` is the cookie that was registered with this function, and is valid.
unsafe extern "C" fn line<H: Handler>(_irq: c_int, data: *mut c_void) -> c_uint {
    // SAFETY: by this function's contract.
    let cookie = unsafe { &*data.cast::<Cookie<H>>() };
    // SAFETY: handlers are freed before the device is unbound.
    let dev = unsafe { cookie.dev.as_bound() };
    match cookie.handler.line(dev) {
        Line::Ours => bindings::irqreturn_IRQ_HANDLED,
        Line::NotOurs => bindings::irqreturn_IRQ_NONE,
    }
}

/// Handlers and vectors, in the order in which they are freed.
struct Rung<H: Handler> {
    _handlers: KVec<Registered<H>>,
    _vectors: Vectors,
}

/// Hides the type of the handler.
trait Hold: Send {}
impl<H: Handler> Hold for Rung<H> {}

/// A rung that was granted: vectors, with a handler registered on each.
///
/// Dropped when the device is unbound at the latest. Dropping it sleeps until no handler runs.
pub struct Granted {
    _rung: Devres<KBox<dyn Hold>>,
    vectors: NonZero<u32>,
}

// SAFETY: what is registered is owned, and C locks for itself.
unsafe impl<H: Handler> Send for Registered<H> {}

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
        let rung: KBox<dyn Hold> = KBox::new(
            Rung {
                _handlers: handlers,
                _vectors: vectors,
            },
            GFP_KERNEL,
        )?;
        Ok(Self {
            _rung: Devres::new(dev.as_ref(), Ok::<_, Error>(rung))?,
            vectors: count,
        })
    }

    /// How many vectors there are.
    pub(super) fn vectors(&self) -> NonZero<u32> {
        self.vectors
    }
}
