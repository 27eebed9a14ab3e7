#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The crash comes as declared, and nothing is there to go on.
# topology: none
# crash: Kernel panic - not syncing: sysrq triggered crash
# timeout: 120
# tests: 1
# expect: ended before its script
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
plan 1
pass "first point"
echo c >/proc/sysrq-trigger
