#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# All points pass, then the script itself fails.
# topology: none
# timeout: 60
# tests: 1
# expect: exit status is 3
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
plan 1
pass "first point"
exit 3
