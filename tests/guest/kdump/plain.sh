#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The plain case: the capture kernel has MSI-X, both kinds of dump are written and are right.
# topology: gen2,mem=512
# append: crashkernel=192M
# crash: Kernel panic - not syncing: sysrq triggered crash
# outside: dump.py
# timeout: 240
# tests: 16
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
# shellcheck source=tests/guest/kdump/lib.sh
. /ironpath/kdump.sh
set -eu
plan $((2 + KDUMP_POINTS))

note "panic sysrq triggered crash"
kdump_disks
kdump_load
kdump_crash
