#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The guest goes away in order, but without the script's exit status.
# topology: none
# timeout: 60
# tests: 1
# expect: ended before its script
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
plan 1
pass "first point"
busybox poweroff -f
tail -f /dev/null
