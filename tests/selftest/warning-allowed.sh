#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A line that the header allows, with its reason, is no failure.
# topology: none
# timeout: 60
# tests: 1
# allow-log: WARNING: CPU: \d+ PID: \d+ at selftest | this case writes it itself
# expect: ^pass$
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
plan 1
echo "WARNING: CPU: 0 PID: 1 at selftest" >/dev/kmsg
pass "first point"
finish
