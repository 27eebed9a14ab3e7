// SPDX-License-Identifier: GPL-2.0

//! The interrupt registers of both generations.

use crate::model::{Cause, Model, ALL_MASKED, ALL_PENDING};
use proptest::prelude::*;

#[test]
fn masks_are_those_of_the_c_driver() {
    // ~0x80000000 and ~MFI_GEN2_ENABLE_INTERRUPT_MASK
    assert_eq!(Model::Gen1.interrupt_mask(), 0x7fff_ffff);
    assert_eq!(Model::Gen2.interrupt_mask(), 0xffff_fffa);
    assert_eq!((ALL_MASKED, ALL_PENDING), (u32::MAX, u32::MAX));
}

#[test]
fn registers_are_in_the_bar_of_the_generation() {
    assert_eq!((Model::Gen1.bar(), Model::Gen2.bar()), (0, 1));
}

#[test]
fn a_device_that_is_gone_interrupts_nobody() {
    assert_eq!(Model::Gen1.cause(u32::MAX), None);
    assert_eq!(Model::Gen2.cause(u32::MAX), None);
}

#[test]
fn what_qemu_says_is_a_reply() {
    let cause = |acknowledge| {
        Some(Cause {
            acknowledge,
            state_change: false,
        })
    };
    assert_eq!(Model::Gen1.cause(0x8000_0001), cause(0x8000_0001));
    assert_eq!(Model::Gen2.cause(0x0000_0001), cause(0x0000_0001));
}

proptest! {
    #![proptest_config(super::config())]

    /// Replies and changes of state are the controller's, and are acknowledged by what was read; other
    /// bits are another device's interrupt.
    #[test]
    fn an_interrupt_is_acknowledged_by_its_status(rest: u32, reply: bool, change: bool) {
        for (model, bit) in [(Model::Gen1, 0x8000_0000u32), (Model::Gen2, 0x0000_0001)] {
            let status = rest & !(bit | 4)
                | if reply { bit } else { 0 }
                | if change { 4 } else { 0 };
            prop_assume!(status != u32::MAX);
            let expected = (reply || change).then_some(Cause {
                acknowledge: status,
                state_change: change,
            });
            prop_assert_eq!(model.cause(status), expected);
        }
    }
}
