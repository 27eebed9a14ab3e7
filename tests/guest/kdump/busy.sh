#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The crash comes in the middle of heavy I/O on two disks, with commands that the controller holds
# until the capture kernel's driver resets it. The dump is written, the crashed kernel's memory is
# written no more, and the other disk's filesystem recovers. On one processor both kernels' drivers poll.
# topology: gen1,mem=384,msix=off,msi=off
# topology: gen2,mem=384
# topology: gen2,mem=384,smp=1
# topology: gen2,mem=448,iommu=strict
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
FILE_MIB=16
# Requests in a second. The first disk must take the dump; the second takes so long with what is
# outstanding that some of it is still there when the capture kernel's driver comes.
FIRST_IOPS=200
SECOND_IOPS=5

mount_disk() {
	mkdir -p "$2"
	mount -t ext4 -o "$KDUMP_MOUNT" "/dev/$(disk_by_serial "$1")" "$2"
}

# outstanding SERIAL: requests that the disk has not answered.
outstanding() { awk '{ print $1 + $2 }' "/sys/block/$(disk_by_serial "$1")/inflight"; }

# busy: half of what fio keeps under way on each disk, at least.
busy() {
	first=$(outstanding IRON0000)
	second=$(outstanding IRON0001)
	echo "outstanding: $first, $second"
	[ "$first" -ge $((DEPTH / 2)) ] && [ "$second" -ge $((DEPTH / 2)) ]
}

interrupt=$(rung)
case $IRONPATH_TOPOLOGY in *smp=1*) interrupt=poll ;; esac
parameters=
[ $interrupt != poll ] || parameters=irq_mode=poll

note "panic sysrq triggered crash"
# shellcheck disable=SC2086 # none, or one word
kdump_disks "IRON0000 IRON0001" $parameters
mount_disk IRON0000 /run/first
mount_disk IRON0001 /run/second
seq 1 200000 >/run/second/kept
for place in first second; do
	dd if=/dev/urandom of=/run/$place/file bs=1M count=$FILE_MIB
done
sync
note "kept $(sha256sum </run/second/kept | cut -d' ' -f1)"
note "recover disk1"
kdump_load CAPTURE_RUNG=$interrupt CAPTURE_PARAMETERS=$parameters CAPTURE_SUM=1
fio --output=/run/fio --eta=never --ioengine=libaio --direct=1 --rw=randrw --bs=4k \
	--iodepth=$DEPTH --time_based --runtime=600 \
	--name=first --filename=/run/first/file --name=second --filename=/run/second/file &
ctl throttle disk0 $FIRST_IOPS
ctl throttle disk1 $SECOND_IOPS
check "fio keeps both disks busy" wait_for $KDUMP_SECONDS busy
kdump_crash
