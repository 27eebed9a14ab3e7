#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The library's spinlocks may be released in any order: interrupts come back with the last, and not before.
# topology: none
# timeout: 100
# tests: 2
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
set -eu
plan 2

insert storage
check "interrupts are off while a lock is held, and back with the last" insmod /ironpath/modules/lockorder.ko
rmmod lockorder
check "the library is not held" rmmod storage
finish
