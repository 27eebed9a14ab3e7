// SPDX-License-Identifier: GPL-2.0

//! Module parameters, checked, and the attributes of the driver as a whole.

use core::sync::atomic::{
    AtomicU32,
    Ordering, //
};
use kernel::fmt;
use kernel::prelude::*;
use kernel::str::CStr;
use storage::driver::Attribute;
use storage::irq::Rungs;

/// The driver's version.
pub(crate) const VERSION: &str = "0.1.0";

/// What the module parameters say, once they have been checked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    /// Most 512-byte sectors of a command; zero: as the firmware says.
    pub(crate) max_sectors: u32,
    /// The rungs of the interrupt ladder that may be used.
    pub(crate) rungs: Rungs,
    /// Microseconds between polls where there is no interrupt.
    pub(crate) poll_period: u32,
    /// Seconds that the firmware may stay in one state before READY.
    pub(crate) reset_wait: u32,
    /// Seconds after which a command counts as timed out.
    pub(crate) command_timeout: u32,
    /// Commands of a device that has timed out, at most; zero: as many as before.
    pub(crate) throttle_depth: u32,
    /// Let a device have as many commands as the host.
    pub(crate) max_depth: bool,
    /// This kernel was started after a crash.
    pub(crate) capture_kernel: bool,
}

/// The parameters as the module was given them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Given {
    pub(crate) max_sectors: u32,
    pub(crate) msix_disable: u32,
    pub(crate) irq_mode: &'static str,
    pub(crate) poll_period: u32,
    pub(crate) resetwaittime: u32,
    pub(crate) scmd_timeout: u32,
    pub(crate) throttlequeuedepth: u32,
    pub(crate) enable_sdev_max_qd: u32,
}

fn refuse(name: &str, value: u32, range: &str) -> Error {
    pr_err!("parameter {}={}: must be {}\n", name, value, range);
    EINVAL
}

impl Settings {
    /// Checks the values.
    ///
    /// # Errors
    ///
    /// `EINVAL` if one is out of range; the log says which.
    pub(crate) fn new(given: Given) -> Result<Self> {
        let Given {
            max_sectors,
            msix_disable,
            irq_mode,
            poll_period,
            resetwaittime,
            scmd_timeout,
            throttlequeuedepth,
            enable_sdev_max_qd,
        } = given;
        if max_sectors != 0 && !(8..=65536).contains(&max_sectors) {
            return Err(refuse("max_sectors", max_sectors, "0 or 8 to 65536"));
        }
        if msix_disable > 1 {
            return Err(refuse("msix_disable", msix_disable, "0 or 1"));
        }
        if !(50..=10_000).contains(&poll_period) {
            return Err(refuse("poll_period", poll_period, "50 to 10000 us"));
        }
        let rungs = match irq_mode {
            "msix" => Rungs {
                msix: true,
                ..Rungs::POLL
            },
            "msi" => Rungs {
                msi: true,
                ..Rungs::POLL
            },
            "intx" => Rungs {
                intx: true,
                ..Rungs::POLL
            },
            "poll" => Rungs::POLL,
            _ => Rungs {
                msix: msix_disable == 0,
                ..Rungs::ALL
            },
        };
        if !(1..=180).contains(&resetwaittime) {
            return Err(refuse("resetwaittime", resetwaittime, "1 to 180 seconds"));
        }
        if !(1..=90).contains(&scmd_timeout) {
            return Err(refuse("scmd_timeout", scmd_timeout, "1 to 90 seconds"));
        }
        if throttlequeuedepth > 256 {
            return Err(refuse("throttlequeuedepth", throttlequeuedepth, "0 to 256"));
        }
        if enable_sdev_max_qd > 1 {
            return Err(refuse("enable_sdev_max_qd", enable_sdev_max_qd, "0 or 1"));
        }
        Ok(Self {
            max_sectors,
            rungs,
            poll_period,
            reset_wait: resetwaittime,
            command_timeout: scmd_timeout,
            throttle_depth: throttlequeuedepth,
            max_depth: enable_sdev_max_qd == 1,
            capture_kernel: storage::pci::is_capture_kernel(),
        })
    }
}

/// What `dbg_lvl` holds: bits of [`debug`].
static DEBUG: AtomicU32 = AtomicU32::new(0);

/// The bits of `dbg_lvl`.
pub(crate) mod debug {
    /// A line for each command that fails.
    pub(crate) const FAILED: u32 = 1;
    /// A line for each command to the firmware itself.
    pub(crate) const FIRMWARE: u32 = 2;
    /// All bits.
    pub(crate) const ALL: u32 = FAILED | FIRMWARE;
}

/// Whether a bit of `dbg_lvl` is set.
pub(crate) fn debugging(bit: u32) -> bool {
    DEBUG.load(Ordering::Relaxed) & bit != 0
}

/// The driver's version in sysfs.
pub(crate) struct Version;

#[vtable]
impl Attribute for Version {
    const NAME: &'static CStr = c"version";

    fn show(out: &mut dyn fmt::Write) -> fmt::Result {
        writeln!(out, "{VERSION}")
    }
}

/// The debug level in sysfs.
pub(crate) struct DebugLevel;

#[vtable]
impl Attribute for DebugLevel {
    const NAME: &'static CStr = c"dbg_lvl";

    fn show(out: &mut dyn fmt::Write) -> fmt::Result {
        writeln!(out, "{}", DEBUG.load(Ordering::Relaxed))
    }

    fn store(text: &str) -> Result {
        let level = text.parse::<u32>().map_err(|_| EINVAL)?;
        if level & !debug::ALL != 0 {
            return Err(EINVAL);
        }
        DEBUG.store(level, Ordering::Relaxed);
        Ok(())
    }
}
