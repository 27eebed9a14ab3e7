#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Debugfs is off: the controller's disks and the target are there all the same, and a line says what is not.
# topology: mpath
# append: debugfs=off
# timeout: 150
# tests: 7
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
set -eu
plan 7

mount -t debugfs debugfs /sys/kernel/debug 2>/dev/null && die "debugfs is on"
kmsg_mark
check "the controllers have their disks" load_paths
find_paths 3
check "the target loads" load_target
check "the log says once which file is missing" [ "$(kmsg_since | grep -c 'debugfs file rmpath/paths not made')" = 1 ]
check "a map works" map_create m "0 1048576 multipath 0 0 1 1 round-robin 0 2 1 $first 1 $second 1"
check "the map takes I/O" dd if=/dev/mapper/m of=/dev/null bs=64k count=16 iflag=direct
check "its paths have statistics" eval "map_message m stats | grep -q '^$first A ios '"
map_remove m
check "the target goes" unload_target
finish
