#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The crash comes in the middle of heavy I/O on two disks. The dump is written, nothing of the
# crashed kernel's is written to once the driver is there, and the other disk's filesystem recovers.
# topology: gen1,mem=384,msix=off,msi=off
# topology: gen2,mem=384
# append: crashkernel=144M
# crash: Kernel panic - not syncing: sysrq triggered crash
# outside: dump.py
# when: named
# timeout: 480
# tests: 19
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
# shellcheck source=tests/guest/kdump/lib.sh
. /ironpath/kdump.sh
set -eu
plan $((5 + KDUMP_POINTS))
require_cmd fio

DEPTH=64
FIO_MIB=24

mount_disk() {
	mkdir -p "$2"
	mount -t ext4 -o "$KDUMP_MOUNT" "/dev/$(disk_by_serial "$1")" "$2"
}

# outstanding: requests that the disks have not answered.
outstanding() {
	# shellcheck disable=SC2046 # words
	cat $(disks | sed 's,.*,/sys/block/&/inflight,') | awk '{ n += $1 + $2 } END { print n + 0 }'
}

# busy: half of what fio keeps under way on one disk, at least.
busy() {
	now=$(outstanding)
	echo "$now outstanding"
	[ "$now" -ge $((DEPTH / 2)) ]
}

note "panic sysrq triggered crash"
kdump_disks IRON0000 IRON0001
mount_disk IRON0000 /run/first
mount_disk IRON0001 /run/second
seq 1 200000 >/run/second/kept
sync
note "kept $(sha256sum </run/second/kept | cut -d' ' -f1)"
note "recover disk1"
kdump_load CAPTURE_RUNG="$(rung)" CAPTURE_SUM=1
fio --output=/run/fio --ioengine=libaio --direct=1 --rw=randwrite --bs=4k --iodepth=$DEPTH \
	--size=${FIO_MIB}m --time_based --runtime=600 \
	--name=first --directory=/run/first --name=second --directory=/run/second &
check "fio keeps both disks busy" wait_for 60 busy
kdump_crash
