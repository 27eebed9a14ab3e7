#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The script never ends.
# topology: none
# timeout: 5
# tests: 1
# expect: ^timeout: not finished in 5 s$
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
plan 1
pass "first point"
tail -f /dev/null
