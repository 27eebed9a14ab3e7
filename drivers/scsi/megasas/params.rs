// SPDX-License-Identifier: GPL-2.0

//! Module parameters, checked.

use kernel::prelude::*;

/// What the module parameters say, once they have been checked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    /// Most 512-byte sectors of a command; zero: as the firmware says.
    pub(crate) max_sectors: u32,
    /// Do not use MSI-X.
    pub(crate) msix_disable: bool,
    /// Seconds that a host reset may wait for the firmware.
    pub(crate) reset_wait: u32,
    /// Seconds after which a command counts as timed out.
    pub(crate) command_timeout: u32,
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
    pub(crate) fn new(
        max_sectors: u32,
        msix_disable: u32,
        resetwaittime: u32,
        scmd_timeout: u32,
    ) -> Result<Self> {
        if max_sectors != 0 && !(8..=65536).contains(&max_sectors) {
            return Err(refuse("max_sectors", max_sectors, "0 or 8 to 65536"));
        }
        if msix_disable > 1 {
            return Err(refuse("msix_disable", msix_disable, "0 or 1"));
        }
        if !(1..=180).contains(&resetwaittime) {
            return Err(refuse("resetwaittime", resetwaittime, "1 to 180 seconds"));
        }
        if !(1..=90).contains(&scmd_timeout) {
            return Err(refuse("scmd_timeout", scmd_timeout, "1 to 90 seconds"));
        }
        Ok(Self {
            max_sectors,
            msix_disable: msix_disable == 1,
            reset_wait: resetwaittime,
            command_timeout: scmd_timeout,
        })
    }
}
