#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# QEMU dies by a signal when the script has come to a good end.
# topology: gen2
# timeout: 60
# tests: 1
# expect: ^QEMU was killed by signal 9$
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
plan 1
pass "first point"
# What process 1 of the guest would say next.
echo "exit 0" >&8
ctl io disk0 sigraise 9
tail -f /dev/null
