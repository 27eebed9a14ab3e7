#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Dumps that are not whole, a pattern that is not there, a panic of another kind, and a capture kernel
# that complains: each must be seen.
# topology: gen2,mem=384
# append: crashkernel=144M
# crash: Kernel panic - not syncing: sysrq triggered crash
# outside: dump.py
# when: named
# timeout: 480
# tests: 18
# expect: ^not ok: outside: every page of it is that of the whole copy
# expect: ^not ok: outside: its kernel log ends in this panic .*another panic
# expect: ^not ok: outside: the whole copy is an ELF core, complete .*the headers tell of
# expect: ^not ok: outside: the pages that a process held are in it .0 of 64 pages
# expect: ^not ok: outside: the crashed kernel's memory was written no more
# expect: ^kernel log: .*WARNING: in the capture kernel
# expect: ^kernel log: irq 9: nobody cared
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
# shellcheck source=tests/guest/kdump/lib.sh
. /ironpath/kdump.sh
set -eu
plan $((4 + KDUMP_POINTS))

kdump_disks IRON0000
kdump_load CAPTURE_RUNG=msix CAPTURE_SUM=1 CAPTURE_SPOIL='
	# In the middle of the pages; and the end is missing.
	size=$(stat -c %s /dump/level31)
	tr "\0" "\377" </dev/zero | dd of=/dump/level31 bs=4096 seek=$((size / 8192)) count=256 conv=notrunc
	truncate -s $(($(stat -c %s /dump/whole) - 8192)) /dump/whole
	echo "WARNING: in the capture kernel" >/dev/kmsg
	echo "irq 9: nobody cared" >/dev/kmsg'
# Another pattern than the process holds, another panic than the one that comes.
note "pattern $PATTERN_PAGES $(tr -d - </proc/sys/kernel/random/uuid)"
note "panic another panic"
pass "the checker has been told what is not so"
kdump_crash
