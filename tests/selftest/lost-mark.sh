#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The kernel log is asked what it does not have, and the place from which it is asked has left its buffer.
# topology: none
# timeout: 120
# tests: 1
# expect: ^Bail out! the kernel log has lost 'ironpath-mark
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
plan 1
kmsg_mark
# As if more had been logged than the buffer holds.
dmesg -C
check "no such line" eval "! kmsg_has 'no such line'"
finish
