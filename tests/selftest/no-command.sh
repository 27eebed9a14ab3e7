#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The guest's image lacks a program that the script needs: its points are skipped, and nobody said that they may be.
# topology: none
# timeout: 60
# tests: 2
# expect: ^not ok: point 1 \(skipped: the guest has no no-such-program; it is not listed in tests/skips\)$
# expect: ^not ok: point 2 \(skipped
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
plan 2
require_cmd no-such-program
pass "first point"
pass "second point"
finish
