#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The stock driver finds the disks of each topology and moves data: what the guests promise.
# topology: gen2
# topology: gen1,msix=off,msi=off
# topology: gen2,machine=q35,boot=vmlinuz
# topology: null,accel=icount
# timeout: 60
# tests: 3
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
set -eu
DRIVER=megaraid_sas
plan 3

load_modules
check "two disks" wait_for 20 disk_count 2
disk=$(disk_by_serial IRON0001)
check "second disk by its serial number" [ -b "/dev/$disk" ]
case $IRONPATH_TOPOLOGY in
null*)
	check "a read succeeds" dd if="/dev/$disk" of=/dev/null bs=64k count=16
	;;
*)
	seq 1 20000 >/tmp/data
	dd if=/tmp/data of="/dev/$disk" bs=64k conv=fsync
	check "data comes back" cmp -n "$(stat -c %s /tmp/data)" /tmp/data "/dev/$disk"
	;;
esac
finish
