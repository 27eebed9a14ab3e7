// SPDX-License-Identifier: GPL-2.0

//! The way to READY against the C driver's table.

use crate::handshake::{config, order, State, Step, UNLOCK};

/// `MFI_STATE_*` with what `megasas_transition_to_ready` does in each.
const STATES: [(u32, State, Step); 11] = [
    (0x0000_0000, State::Undefined, Step::Wait),
    (0x1000_0000, State::BootBlock, Step::Wait),
    (0x4000_0000, State::FirmwareInit, Step::Wait),
    // MFI_INIT_CLEAR_HANDSHAKE | MFI_INIT_HOTPLUG
    (0x6000_0000, State::WaitHandshake, Step::Order(0x18)),
    (0x7000_0000, State::FirmwareInit2, Step::Wait),
    (0x8000_0000, State::DeviceScan, Step::Wait),
    // MFI_INIT_HOTPLUG
    (0x9000_0000, State::BootMessagePending, Step::Order(0x10)),
    (0xa000_0000, State::FlushCache, Step::Wait),
    (0xb000_0000, State::Ready, Step::Done),
    // MFI_RESET_FLAGS, after the interrupts were masked
    (0xc000_0000, State::Operational, Step::MaskAndOrder(0x07)),
    (0xf000_0000, State::Fault, Step::Stuck),
];

#[test]
fn each_state_has_the_step_of_the_c_driver() {
    for (value, state, step) in STATES {
        // The limits in the low bits say nothing of the state.
        for rest in [0, 0x0450_03f0, 0x0fff_ffff] {
            assert_eq!(State::from_scratch_pad(value | rest), state);
        }
        assert_eq!(Step::new(state, false), step, "{state:?}");
    }
}

#[test]
fn after_a_reset_fault_is_waited_for() {
    for (_, state, step) in STATES {
        let expected = match state {
            State::Fault => Step::Wait,
            _ => step,
        };
        assert_eq!(Step::new(state, true), expected, "{state:?}");
    }
}

#[test]
fn a_state_that_nobody_knows_leads_nowhere() {
    for number in 0..16u8 {
        let value = u32::from(number) << 28;
        if STATES.iter().all(|(known, _, _)| *known != value) {
            let state = State::from_scratch_pad(value);
            assert_eq!(state, State::Unknown(number));
            assert_eq!(Step::new(state, false), Step::Stuck);
            assert_eq!(Step::new(state, true), Step::Stuck);
        }
    }
}

#[test]
fn orders_and_keys_have_their_numbers() {
    assert_eq!(order::STOP, 0x20);
    assert_eq!(order::ADAPTER_RESET, 0x40);
    assert_eq!(UNLOCK, [0x00, 0x04, 0x0b, 0x02, 0x07, 0x0d]);
}

#[test]
fn a_first_generation_controller_is_released_from_reset() {
    assert_eq!((config::CONTROL, config::HANDSHAKE), (0x84, 0x64));
    assert_eq!(config::release(0x1234_5673), Some(0x1234_5671));
    assert_eq!(config::release(0x1234_5671), None);
    assert_eq!(config::release(u32::MAX), None);
    assert!(config::is_ready(0xdddd_1234));
    assert!(!config::is_ready(0xdddc_1234));
    assert!(!config::is_ready(0));
}
