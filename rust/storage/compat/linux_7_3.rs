// SPDX-License-Identifier: GPL-2.0

//! Linux 7.3.

use kernel::bindings;
use kernel::dma::{
    Coherent,
    DmaAddress, //
};
use kernel::module_param::ModuleParamAccess;
use kernel::ptr::KnownSize;

/// Constants of `enum irqreturn`.
pub const IRQ_NONE: bindings::irqreturn_t = bindings::irqreturn::IRQ_NONE;
pub const IRQ_HANDLED: bindings::irqreturn_t = bindings::irqreturn::IRQ_HANDLED;

/// Constants of `enum hrtimer_restart`.
pub const HRTIMER_NORESTART: bindings::hrtimer_restart =
    bindings::hrtimer_restart::HRTIMER_NORESTART;
pub const HRTIMER_RESTART: bindings::hrtimer_restart = bindings::hrtimer_restart::HRTIMER_RESTART;

/// Constants of `enum dma_data_direction`.
pub const DMA_TO_DEVICE: bindings::dma_data_direction = bindings::dma_data_direction::DMA_TO_DEVICE;
pub const DMA_FROM_DEVICE: bindings::dma_data_direction =
    bindings::dma_data_direction::DMA_FROM_DEVICE;

/// The DMA address of coherent memory. Any context.
#[inline]
pub fn dma_address<T: KnownSize + ?Sized>(memory: &Coherent<T>) -> DmaAddress {
    memory.dma_address()
}

/// How many bytes of the vector at `bi_idx` the iterator has passed. Any context.
#[inline]
pub fn bvec_iter_offset(iter: &bindings::bvec_iter) -> u32 {
    iter.bi_offset
}

/// Sets how many bytes of the vector at `bi_idx` the iterator has passed. Any context.
#[inline]
pub fn set_bvec_iter_offset(iter: &mut bindings::bvec_iter, bytes: u32) {
    iter.bi_offset = bytes;
}

/// What [`kernel::pci::Driver::probe`] gets of the device table.
pub type PciIdInfo<'a, T> = Option<&'a T>;

/// The driver's data for the device's id; none for a device that `driver_override` binds.
#[inline]
pub fn pci_id_info<T>(info: PciIdInfo<'_, T>) -> Option<&T> {
    info
}

/// A PCI BAR that is mapped until the device is unbound.
pub type DevresBar<const SIZE: usize> = kernel::pci::DevresBar<SIZE>;

/// The value of a parameter that `module!` declares. Any context.
#[inline]
pub fn parameter_value<T: Copy>(parameter: &ModuleParamAccess<T>) -> T {
    parameter.value()
}

/// The module of the crate in which this stands.
#[expect(
    clippy::crate_in_macro_def,
    reason = "each module has its own, in the root of its crate"
)]
#[macro_export]
macro_rules! this_module {
    () => {
        ::kernel::module::this_module::<crate::LocalModule>()
    };
}

/// Declares a driver's PCI device table, one in a module: the name of the table, the type of
/// [`IdInfo`](crate::pci::Driver::IdInfo), and a list of pairs of a device id and its data.
#[macro_export]
macro_rules! pci_device_table {
    ($table:ident, $info:ty, [$($entry:tt),* $(,)?] $(,)?) => {
        ::kernel::pci_device_table!($table, $info, [$($entry),*]);
    };
}
