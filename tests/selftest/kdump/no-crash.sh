#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The script comes to its end without the crash that it declares.
# topology: none
# crash: Kernel panic - not syncing: sysrq triggered crash
# timeout: 60
# tests: 1
# expect: ^the script did not crash the kernel as it declares$
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
plan 1
pass "first point"
finish
