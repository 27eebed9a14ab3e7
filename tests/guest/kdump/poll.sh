#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The driver may use no interrupt at all in the capture kernel: it polls, the dump is written.
# topology: gen2,mem=384,smp=1
# append: crashkernel=144M
# crash: Kernel panic - not syncing: sysrq triggered crash
# outside: dump.py
# when: named
# timeout: 480
# tests: 16
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
# shellcheck source=tests/guest/kdump/lib.sh
. /ironpath/kdump.sh
set -eu
plan $((2 + KDUMP_POINTS))
[ "$DRIVER" = rmegasas ] || die "$DRIVER cannot poll"

note "panic sysrq triggered crash"
kdump_disks IRON0000
kdump_load CAPTURE_RUNG=poll CAPTURE_PARAMETERS=irq_mode=poll
kdump_crash
