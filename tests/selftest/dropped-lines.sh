#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The console has dropped lines of the kernel log, so they were not checked.
# topology: none
# timeout: 60
# tests: 1
# expect: ^kernel log: \*\* 12 printk messages dropped \*\*
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
plan 1
# As the kernel says it: without a time.
echo "** 12 printk messages dropped **" >/dev/console
pass "first point"
finish
