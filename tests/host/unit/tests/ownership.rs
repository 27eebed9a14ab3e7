// SPDX-License-Identifier: GPL-2.0

use crate::ownership::{
    End,
    Ownership,
    Verdict, //
};
use std::cell::Cell;

/// Ends the driver's ownership; whether the status was written, and whether the mid-layer is told.
fn end(owner: &Ownership) -> (bool, End) {
    let written = Cell::new(false);
    let end = owner.end(|| written.set(true));
    (written.get(), end)
}

/// Gives the command back; whether a status was written, and whether `queuecommand` returns the command.
fn reject(owner: &Ownership) -> (bool, End) {
    let written = Cell::new(false);
    let end = owner.reject(|| written.set(true));
    (written.get(), end)
}

#[test]
fn a_command_that_nobody_queued_is_not_outstanding() {
    assert!(!Ownership::new().is_outstanding());
}

#[test]
fn a_command_is_reported_when_the_driver_ends_it() {
    let owner = Ownership::new();
    assert!(owner.begin());
    assert!(owner.is_outstanding());
    assert_eq!(end(&owner), (true, End::Report));
    assert!(!owner.is_outstanding());
    assert!(owner.begin());
}

#[test]
fn a_rejected_command_comes_again() {
    let owner = Ownership::new();
    assert!(owner.begin());
    assert_eq!(reject(&owner), (false, End::Report));
    assert!(!owner.is_outstanding());
    assert!(owner.begin());
    assert_eq!(end(&owner), (true, End::Report));
}

#[test]
fn a_timeout_leaves_a_rejected_command_to_the_block_layer() {
    let owner = Ownership::new();
    assert!(owner.begin());
    assert_eq!(reject(&owner), (false, End::Report));
    assert_eq!(owner.time_out(), Err(Verdict::Rejected));
    assert!(owner.begin());
    assert_eq!(owner.time_out(), Ok(()));
}

#[test]
fn a_timeout_leaves_a_command_that_was_refused_to_the_block_layer() {
    let owner = Ownership::new();
    assert!(owner.begin());
    assert!(!owner.begin());
    assert_eq!(owner.time_out(), Err(Verdict::Rejected));
}

/// The driver gives the command up while it is asked what to do about the timeout.
fn given_up_while_asked(give_up: impl Fn(&Ownership) -> (bool, End)) {
    for extend in [false, true] {
        let owner = Ownership::new();
        assert!(owner.begin());
        assert_eq!(owner.time_out(), Ok(()));
        assert_eq!(give_up(&owner), (true, End::Silent));
        let verdict = match extend {
            true => owner.extend(),
            false => owner.escalate(),
        };
        assert_eq!(verdict, Verdict::Late);
        assert!(!owner.is_outstanding());
    }
}

#[test]
fn a_command_that_is_rejected_while_the_driver_is_asked_is_started_anew_by_the_timeout() {
    given_up_while_asked(reject);
}

#[test]
fn an_escalated_command_that_is_rejected_is_not_given_back() {
    let owner = Ownership::new();
    assert!(owner.begin());
    assert_eq!(owner.time_out(), Ok(()));
    assert_eq!(owner.escalate(), Verdict::Escalated);
    assert_eq!(reject(&owner), (false, End::Silent));
    assert!(!owner.is_outstanding());
    assert!(owner.begin());
}

#[test]
fn a_command_that_the_driver_has_is_refused_and_its_end_is_silent() {
    let owner = Ownership::new();
    assert!(owner.begin());
    assert!(!owner.begin());
    assert!(!owner.begin());
    assert!(owner.is_outstanding());
    assert_eq!(end(&owner), (false, End::Silent));
    assert!(owner.begin());
    assert_eq!(end(&owner), (true, End::Report));
}

#[test]
fn a_command_that_ends_while_the_driver_is_asked_is_reported_by_the_timeout() {
    given_up_while_asked(end);
}

#[test]
fn an_escalated_command_is_error_handlings_when_the_driver_ends_it() {
    let owner = Ownership::new();
    assert!(owner.begin());
    assert_eq!(owner.time_out(), Ok(()));
    assert!(!owner.is_escalated());
    assert_eq!(owner.escalate(), Verdict::Escalated);
    assert!(owner.is_escalated());
    assert!(owner.is_outstanding());
    assert_eq!(end(&owner), (false, End::Silent));
    assert!(!owner.is_outstanding());
}

#[test]
fn an_extended_command_is_the_drivers_again() {
    let owner = Ownership::new();
    assert!(owner.begin());
    assert_eq!(owner.time_out(), Ok(()));
    assert_eq!(owner.extend(), Verdict::Outstanding);
    assert_eq!(end(&owner), (true, End::Report));
}

#[test]
fn a_command_that_has_just_ended_does_not_time_out() {
    let owner = Ownership::new();
    assert_eq!(owner.time_out(), Err(Verdict::Idle));
    assert!(owner.begin());
    assert_eq!(end(&owner), (true, End::Report));
    assert_eq!(owner.time_out(), Err(Verdict::Idle));
}
