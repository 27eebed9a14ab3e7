// SPDX-License-Identifier: GPL-2.0

//! Raw bindings of the headers of device-mapper and of SCSI hardware handlers; private to the crate.

storage::generated_bindings!("dm");

mod optional;

pub(crate) use optional::*;
pub(crate) use raw::*;

// SAFETY: `__BindgenBitfieldUnit<Storage>` has `Storage` as its only field, of which all zeros are a value.
unsafe impl<Storage> pin_init::Zeroable for raw::__BindgenBitfieldUnit<Storage> where
    Storage: pin_init::Zeroable
{
}

storage::same_layout! {
    bio_integrity_payload { bip_iter: AT_bio_integrity_payload_bip_iter } SIZE_bio_integrity_payload,
}
