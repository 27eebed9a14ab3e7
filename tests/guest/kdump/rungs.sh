#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The capture kernel has an interrupt, of each kind: both kinds of dump are written and are right.
# topology: gen2,mem=384,smp=1
# topology: gen2,mem=384,smp=1,msix=off,msi=on
# topology: gen2,mem=384,smp=1,msix=off,msi=off
# append: crashkernel=144M
# crash: Kernel panic - not syncing: sysrq triggered crash
# outside: dump.py
# when: named
# timeout: 480
# tests: 16
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
# With irqpoll the kernel would serve a legacy interrupt that is lost.
case $IRONPATH_TOPOLOGY in *msi=off*) KDUMP_IRQPOLL= ;; esac
# shellcheck source=tests/guest/kdump/lib.sh
. /ironpath/kdump.sh
set -eu
plan $((2 + KDUMP_POINTS))

note "panic sysrq triggered crash"
kdump_disks IRON0000
kdump_load CAPTURE_RUNG="$(rung)"
kdump_crash
