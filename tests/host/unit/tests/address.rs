// SPDX-License-Identifier: GPL-2.0

use crate::address::{
    Address,
    Scope, //
};

const VICTIM: Address = Address {
    channel: 1,
    id: 3,
    lun: 5,
};

/// The scopes that are about the other commands of a unit, when a step is for one of `VICTIM`.
fn scopes(channel: u32, id: u32, lun: u64) -> Vec<Scope> {
    let other = Address { channel, id, lun };
    [
        Scope::Command,
        Scope::Device,
        Scope::Target,
        Scope::Channel,
        Scope::Host,
    ]
    .into_iter()
    .filter(|scope| scope.covers(VICTIM, other))
    .collect()
}

#[test]
fn a_step_covers_what_the_mid_layer_ends_after_it() {
    use Scope::{Channel, Device, Host, Target};

    assert_eq!(scopes(1, 3, 5), [Device, Target, Channel, Host]);
    assert_eq!(scopes(1, 3, 6), [Target, Channel, Host]);
    assert_eq!(scopes(1, 4, 5), [Channel, Host]);
    // `scsi_eh_target_reset` compares ids only.
    assert_eq!(scopes(2, 3, 5), [Target, Host]);
    assert_eq!(scopes(2, 4, 5), [Host]);
}
