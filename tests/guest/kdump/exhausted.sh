#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Other devices have used up the interrupt vectors of the capture kernel's only processor. The C
# driver is tried first, and gets none; this one writes the dump.
# topology: crowded,mem=384
# append: crashkernel=160M
# crash: Kernel panic - not syncing: sysrq triggered crash
# outside: dump.py
# timeout: 480
# tests: 17
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
# shellcheck source=tests/guest/kdump/lib.sh
. /ironpath/kdump.sh
set -eu
plan $((3 + KDUMP_POINTS))

note "panic sysrq triggered crash"
kdump_disks IRON0000
kdump_load CAPTURE_RUNG=poll CAPTURE_MUST_FAIL=megaraid_sas
kdump_crash
