#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The kernel panics after the last point.
# topology: none
# timeout: 60
# tests: 1
# expect: ended before its script
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
plan 1
pass "first point"
echo c >/proc/sysrq-trigger
