// SPDX-License-Identifier: GPL-2.0

//! The interrupt ladder: MSI-X, then MSI, then INTx.
//!
//! C headers: [`include/linux/pci.h`](srctree/include/linux/pci.h),
//! [`include/linux/interrupt.h`](srctree/include/linux/interrupt.h)
//!
//! Vectors can be allocated and their registration still fail, so a rung counts only when its handlers are
//! registered. A rung that fails is released whole, handlers first, then vectors, before the next is
//! tried. What was granted is an enum: the driver matches it.

mod rung;

pub use self::rung::{
    Granted,
    Handler,
    Line, //
};

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
}

impl Rungs {
    /// All of them.
    pub const ALL: Self = Self {
        msix: true,
        msi: true,
        intx: true,
    };
}

/// The rung that the ladder stopped at, with the handlers registered on it.
///
/// Dropping it frees the handlers, waits for those that run, and frees the vectors.
pub enum Ladder {
    /// MSI-X with the granted vectors.
    MsiX(Granted),
    /// MSI with the granted vectors.
    Msi(Granted),
    /// The legacy line.
    Intx(Granted),
}

impl Ladder {
    /// Steps down from MSI-X until a rung holds. May sleep.
    ///
    /// `vectors` is the most that MSI-X may take; the rungs below take one. `handler` is told the index of
    /// the vector that fired.
    ///
    /// # Errors
    ///
    /// That of the last rung tried; `ENODEV` if none may be.
    pub fn climb<H: Handler>(
        dev: &pci::Device<Bound>,
        rungs: Rungs,
        vectors: NonZero<u32>,
        name: &'static CStr,
        handler: &Arc<H>,
    ) -> Result<Self> {
        let one = NonZero::<u32>::MIN;
        let mut failure = ENODEV;
        let candidates = [
            (
                rungs.msix,
                rung::Kind::MsiX,
                vectors,
                Self::MsiX as fn(Granted) -> Self,
            ),
            (rungs.msi, rung::Kind::Msi, one, Self::Msi),
            (rungs.intx, rung::Kind::Intx, one, Self::Intx),
        ];
        for (allowed, kind, vectors, outcome) in candidates {
            if !allowed {
                continue;
            }
            match Granted::take(dev, kind, vectors, name, handler) {
                Ok(granted) => return Ok(outcome(granted)),
                Err(error) => {
                    // An absent capability is no news; a rung that broke is.
                    if error != ENOSPC && error != ENODEV && error != EINVAL {
                        dev_warn!(dev, "{} refused: {:?}\n", kind.name(), error);
                    }
                    failure = error;
                }
            }
        }
        Err(failure)
    }

    /// The rung's name, as `irq_mode` shows it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::MsiX(_) => rung::Kind::MsiX.name(),
            Self::Msi(_) => rung::Kind::Msi.name(),
            Self::Intx(_) => rung::Kind::Intx.name(),
        }
    }

    /// How many vectors were granted.
    pub fn vectors(&self) -> NonZero<u32> {
        match self {
            Self::MsiX(granted) | Self::Msi(granted) | Self::Intx(granted) => granted.vectors(),
        }
    }
}
