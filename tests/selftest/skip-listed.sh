#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A point is skipped that tests/skips lists: the runner must not complain.
# topology: none
# timeout: 60
# tests: 2
# expect: ^pass$
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
plan 2
pass "first point"
skip "second point" "nothing to do"
finish
