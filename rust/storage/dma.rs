// SPDX-License-Identifier: GPL-2.0

//! DMA: the choice of the address mask (see [`pci::Driver`]), coherent areas of equal slots, mapped segments.
//!
//! [`pci::Driver`]: crate::pci::Driver
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

/// Sets the DMA masks of a device, and returns the width for data. `data` and `coherent` are the widest addresses that
/// the device supports; where memory does not reach beyond 4 GiB, or the platform refuses more, it is 32 bits. May sleep.
///
/// # Errors
///
/// `EIO` if the platform cannot give the device memory that it reaches.
///
/// # Safety
///
/// Nobody allocates or maps DMA memory for the device during the call.
pub(crate) unsafe fn set_masks(
    dev: &pci::Device<Core<'_>>,
    data: AddressWidth,
    coherent: AddressWidth,
) -> Result<AddressWidth> {
    // SAFETY: this must not run concurrently with allocations and mappings for the device, and by this
    // function's own requirement, which the caller guarantees, there are none during the call.
    unsafe { dev.dma_set_mask_and_coherent(DmaMask::new::<32>()) }?;
    let generic: &kernel::device::Device<Core<'_>> = dev.as_ref();
    let raw = core::ptr::from_ref(generic).cast_mut().cast();
    // SAFETY: the function wants a valid `struct device`, and reads it. `generic` is a reference to a
    // transparent wrapper of one, so `raw` is one as long as the reference, beyond this call.
    let required = unsafe { kernel::bindings::dma_get_required_mask(raw) };
    if required <= u64::from(u32::MAX) {
        return Ok(AddressWidth::Bits32);
    }
    if coherent == AddressWidth::Bits64 {
        // Refused, it stays as it is.
        // SAFETY: as for the first mask: no allocation or mapping is concurrent, says the caller.
        let _ = unsafe { dev.dma_set_coherent_mask(DmaMask::new::<64>()) };
    }
    if data == AddressWidth::Bits64 {
        // SAFETY: as for the first mask: no allocation or mapping is concurrent, says the caller.
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
    pub fn empty() -> Self {
        // INVARIANT: nothing is left.
        Self {
            next: core::ptr::null_mut(),
            left: 0,
            _mapped: PhantomData,
        }
    }

    /// Those of a list that a subsystem has mapped.
    ///
    /// # Safety
    ///
    /// `head` is a scatter list that was mapped into `count` segments, and stays so for the lifetime.
    #[inline]
    pub unsafe fn new(head: *mut scatterlist, count: u32) -> Self {
        // INVARIANT: the caller guarantees that the list has `count` mapped entries, and for how long.
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
        // SAFETY: the fields are read through a pointer that must be to a live entry: something is left, so by
        // the invariant `next` is the head of a list that is not empty. The mapping that wrote both fields is
        // over, and stays for the lifetime: nobody writes them.
        let (address, length) = unsafe { ((*self.next).dma_address, (*self.next).dma_length) };
        self.left -= 1;
        if self.left != 0 {
            // SAFETY: `sg_next` wants an entry of a terminated list, and follows chains. By the invariant
            // there is another mapped entry after this one, so this is not the list's end.
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
    // SAFETY: a barrier takes no argument, touches no memory of its own, and may be used in any context.
    unsafe {
        crate::bindings::storage_dma_rmb()
    };
}
