#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A point fails.
# topology: none
# timeout: 60
# tests: 2
# expect: ^not ok: second point \(because\)$
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
plan 2
pass "first point"
fail "second point" "because"
finish
