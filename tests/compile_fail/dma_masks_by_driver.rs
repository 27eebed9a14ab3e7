// SPDX-License-Identifier: GPL-2.0
// error: E0603 function `set_masks` is private

//! A driver changes the DMA masks while memory may be allocated or mapped for its device.

use kernel::device::Core;
use kernel::pci;
use storage::dma::AddressWidth;

#[cfg(mistake)]
use storage::dma::set_masks;

/// What the driver has got is told to its probe.
pub fn is_wide(_dev: &pci::Device<Core<'_>>, width: AddressWidth) -> bool {
    width == AddressWidth::Bits64
}
