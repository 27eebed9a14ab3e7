// SPDX-License-Identifier: GPL-2.0

//! The right to ring a doorbell: to tell hardware of a command.
//!
//! Hardware must not see a command before the driver has recorded it. So the function of a driver that writes
//! its doorbell register takes a [`Posting`], and only the code that has just recorded a command makes one:
//! [`Armed::post`](crate::mailbox::Armed::post), and in the crate `storage_scsi` `Reserved::post` and the
//! mid-layer's call to `LowLevelDriver::commit`, which ends a batch of SCSI commands.
//!
//! # Examples
//!
//! ```ignore
//! fn ring(&self, frame: u32, _posting: Posting<'_>) {
//!     self.bar.write_reg(regs::IQP::from(frame));
//! }
//! ```

use core::marker::PhantomData;

/// Evidence that a command is being posted: one ring of the doorbell.
///
/// It is not copied, and cannot outlive the call that it was made for.
pub struct Posting<'a>(PhantomData<&'a mut ()>);

impl Posting<'_> {
    /// For the crates of subsystems, which record commands for drivers.
    ///
    /// # Safety
    ///
    /// The caller has recorded a command, or a batch of them, so that an answer of the hardware finds it, and passes
    /// the value to the driver for that.
    #[inline]
    pub unsafe fn new() -> Self {
        Self(PhantomData)
    }
}
