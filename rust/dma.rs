// SPDX-License-Identifier: GPL-2.0

//! DMA: the choice of the address mask, coherent areas of equal slots, mapped segments.
//!
//! C header: [`include/linux/dma-mapping.h`](srctree/include/linux/dma-mapping.h)

mod pool;

pub use self::pool::{
    Pool,
    Slot, //
};

use core::marker::PhantomData;
use kernel::bindings::scatterlist;
use kernel::device::Core;
use kernel::dma::{
    Device as _,
    DmaMask, //
};
use kernel::pci;
use kernel::prelude::*;

/// The addresses that a device is allowed to be given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AddressWidth {
    /// All of memory is below 4 GiB, or the device reaches no further.
    Bits32,
    /// Any address.
    Bits64,
}

/// Sets the DMA masks of a device. Data may be anywhere that `cap` allows, if memory reaches that far;
/// coherent memory is below 4 GiB, so that a frame's address fits one register. May sleep.
///
/// `cap` is the widest that the device can do.
///
/// # Errors
///
/// `EIO` if the platform cannot give the device memory that it reaches.
pub fn set_masks(dev: &pci::Device<Core<'_>>, cap: AddressWidth) -> Result<AddressWidth> {
    // SAFETY: the device is being probed: nothing is mapped or allocated for it yet.
    unsafe { dev.dma_set_mask_and_coherent(DmaMask::new::<32>()) }?;
    let generic: &kernel::device::Device<Core<'_>> = dev.as_ref();
    let raw = core::ptr::from_ref(generic).cast_mut().cast();
    // SAFETY: `Device` is a transparent wrapper of a valid `struct device`.
    let required = unsafe { kernel::bindings::dma_get_required_mask(raw) };
    if cap == AddressWidth::Bits64 && required > u64::from(u32::MAX) {
        // SAFETY: as above.
        if unsafe { dev.dma_set_mask(DmaMask::new::<64>()) }.is_ok() {
            return Ok(AddressWidth::Bits64);
        }
    }
    Ok(AddressWidth::Bits32)
}

/// One segment of a mapped buffer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Segment {
    /// Bus address.
    pub address: u64,
    /// Bytes.
    pub length: u32,
}

/// The segments of a mapped buffer.
///
/// # Invariants
///
/// `next` is null or the head of a scatter list with at least `left` mapped entries, which stays mapped
/// for `'a`.
pub struct Segments<'a> {
    next: *mut scatterlist,
    left: u32,
    _mapped: PhantomData<&'a ()>,
}

impl Segments<'_> {
    /// No segments.
    pub(crate) fn empty() -> Self {
        // INVARIANT: nothing is left.
        Self {
            next: core::ptr::null_mut(),
            left: 0,
            _mapped: PhantomData,
        }
    }

    /// # Safety
    ///
    /// `head` is a scatter list that was mapped into `count` segments, and stays so for the lifetime.
    #[inline]
    pub(crate) unsafe fn new(head: *mut scatterlist, count: u32) -> Self {
        // INVARIANT: by this function's contract.
        Self {
            next: head,
            left: count,
            _mapped: PhantomData,
        }
    }

    /// How many are left.
    #[inline]
    pub fn len(&self) -> u32 {
        self.left
    }

    /// True if none is left.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.left == 0
    }
}

impl Iterator for Segments<'_> {
    type Item = Segment;

    #[inline]
    fn next(&mut self) -> Option<Segment> {
        if self.left == 0 {
            return None;
        }
        // SAFETY: by the invariant there is a mapped entry here.
        let (address, length) = unsafe { ((*self.next).dma_address, (*self.next).dma_length) };
        self.left -= 1;
        if self.left != 0 {
            // SAFETY: by the invariant there is an entry after this one.
            self.next = unsafe { kernel::bindings::sg_next(self.next) };
        }
        Some(Segment { address, length })
    }
}

/// Orders a read of what announces data in coherent memory before the reads of the data (`dma_rmb`). Any
/// context.
#[inline]
pub fn read_barrier() {
    // There `dma_rmb` keeps the compiler from moving reads, no more.
    #[cfg(target_arch = "x86_64")]
    core::sync::atomic::fence(core::sync::atomic::Ordering::Acquire);
    #[cfg(not(target_arch = "x86_64"))]
    // SAFETY: a barrier has no requirements.
    unsafe {
        crate::bindings::storage_dma_rmb()
    };
}
