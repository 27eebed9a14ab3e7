// SPDX-License-Identifier: GPL-2.0

//! The interrupt ladder: MSI-X, MSI, INTx, and below them a timer that polls.
//!
//! C headers: [`include/linux/pci.h`](srctree/include/linux/pci.h),
//! [`include/linux/interrupt.h`](srctree/include/linux/interrupt.h)
//!
//! Vectors can be allocated and their registration still fail, so a rung counts only when its handlers are
//! registered. A rung that fails is released whole, handlers first, then vectors, before the next is
//! tried. What was granted is an enum: the driver matches it.
//!
//! A granted interrupt may still never fire. So the handler's [`Poller`] watches while commands are
//! outstanding: when completions are pending for [`WATCH_PERIOD`] and none is taken, it logs that and polls. The
//! handlers stay registered: when interrupts arrive again, it logs that and goes back to watching. A rung that
//! fails again and again is polled for longer each time.
//!
//! # Examples
//!
//! ```ignore
//! match Ladder::climb(pdev, Rungs::ALL, vectors, c"mydriver", &adapter)? {
//!     Ladder::MsiX(granted) => queues = granted.vectors().get(),
//!     Ladder::Msi(_) | Ladder::Intx(_) | Ladder::Poll(_) => queues = 1,
//! }
//! ```

mod poll;
mod poll_state;
mod rung;
mod watch_state;

pub use self::poll::{
    Look,
    Poller,
    WATCH_PERIOD, //
};
pub use self::rung::{
    Granted,
    Handler,
    Line,
    Polling, //
};

use self::rung::Kind;
use core::num::NonZero;
use kernel::device::Bound;
use kernel::pci;
use kernel::prelude::*;
use kernel::str::CStr;
use kernel::sync::Arc;

/// Which rungs may be tried.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rungs {
    /// Message-signalled interrupts, extended.
    pub msix: bool,
    /// Message-signalled interrupts.
    pub msi: bool,
    /// The legacy line.
    pub intx: bool,
    /// The timer.
    pub poll: bool,
}

impl Rungs {
    /// All of them.
    pub const ALL: Self = Self {
        msix: true,
        msi: true,
        intx: true,
        poll: true,
    };

    /// The timer alone.
    pub const POLL: Self = Self {
        msix: false,
        msi: false,
        intx: false,
        poll: true,
    };
}

/// The rung that the ladder stopped at, with what is registered on it.
///
/// Dropping it frees the handlers, waits for those that run, and frees the vectors.
pub enum Ladder {
    /// MSI-X with the granted vectors.
    MsiX(Granted),
    /// MSI with the granted vectors.
    Msi(Granted),
    /// The legacy line.
    Intx(Granted),
    /// No interrupt: a timer polls.
    Poll(Polling),
}

impl Ladder {
    /// Steps down from MSI-X until a rung holds. May sleep.
    ///
    /// `vectors` is the most that MSI-X may take; the rungs below take one. `handler` is told the index of
    /// the vector that fired. [`Poller::mode`] and [`Poller::write_refused`] of the handler's poller tell
    /// afterwards which rung it is, and why not a higher one.
    ///
    /// Make what the handler uses of the device, its registers above all, before this: resources go in the
    /// reverse order when the device is unbound.
    ///
    /// # Errors
    ///
    /// That of the last rung tried; `ENODEV` if none may be. With [`Rungs::poll`] only `ENOMEM`.
    pub fn climb<H: Handler>(
        dev: &pci::Device<Bound>,
        rungs: Rungs,
        vectors: NonZero<u32>,
        name: &'static CStr,
        handler: &Arc<H>,
    ) -> Result<Self> {
        let one = NonZero::<u32>::MIN;
        let poller = handler.poller();
        let mut failure = ENODEV;
        let candidates = [
            (
                rungs.msix,
                Kind::MsiX,
                vectors,
                Self::MsiX as fn(Granted) -> Self,
            ),
            (rungs.msi, Kind::Msi, one, Self::Msi),
            (rungs.intx, Kind::Intx, one, Self::Intx),
        ];
        for (allowed, kind, vectors, outcome) in candidates {
            if !allowed {
                poller.forbid(kind);
                continue;
            }
            match Granted::take(dev, kind, vectors, name, handler) {
                Ok(granted) => {
                    poller.set_mode(kind);
                    return Ok(outcome(granted));
                }
                Err(error) => {
                    poller.set_refused(kind, error);
                    failure = error;
                }
            }
        }
        if !rungs.poll {
            return Err(failure);
        }
        let polling = Polling::take(dev, handler)?;
        poller.set_mode(Kind::Poll);
        Ok(Self::Poll(polling))
    }

    /// The rung's name: `msix`, `msi`, `intx` or `poll`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::MsiX(_) => Kind::MsiX,
            Self::Msi(_) => Kind::Msi,
            Self::Intx(_) => Kind::Intx,
            Self::Poll(_) => Kind::Poll,
        }
        .name()
    }
}
