#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The crash comes on a processor other than the first, which the capture kernel then runs on.
# topology: gen2,mem=384
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
require_cmd taskset

note "panic sysrq triggered crash"
note "trace CPU: 1 |sysrq_handle_crash"
kdump_disks IRON0000
kdump_load CAPTURE_RUNG=msix
kdump_crash taskset 2 sh -c 'echo c >/proc/sysrq-trigger'
