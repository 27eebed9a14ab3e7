#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The kernel panics for another reason than the declared one.
# topology: none
# crash: Kernel panic - not syncing: something else
# timeout: 120
# tests: 1
# expect: ^kernel log: Kernel panic - not syncing: sysrq triggered crash
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
plan 1
pass "first point"
echo c >/proc/sysrq-trigger
