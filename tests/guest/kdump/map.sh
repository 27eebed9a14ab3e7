#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The filesystem of the dump lies on a multipath map: the capture kernel makes one over the driver's disk,
# for requests or, in the second topology, for bios, and writes through it.
# topology: gen2,mem=384,smp=2
# topology: gen2,mem=384,smp=1
# append: crashkernel=144M
# crash: Kernel panic - not syncing: sysrq triggered crash
# capture: rmpath
# outside: dump.py
# when: named
# timeout: 480
# tests: 19
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
# shellcheck source=tests/guest/kdump/lib.sh
. /ironpath/kdump.sh
set -eu
# The map itself is three points more.
plan $((2 + KDUMP_POINTS + 3))

case $IRONPATH_TOPOLOGY in
*smp=1*) mode=bio ;;
*) mode=rq ;;
esac
note "panic sysrq triggered crash"
kdump_disks IRON0000
kdump_program "$(command -v dmsetup)"
kdump_load CAPTURE_RUNG=msix CAPTURE_MAP=$mode
kdump_crash
