#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The kernel warns while every point passes.
# topology: none
# timeout: 60
# tests: 1
# expect: ^kernel log: .*WARNING: 
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
plan 1
echo "WARNING: CPU: 0 PID: 1 at selftest" >/dev/kmsg
pass "first point"
finish
