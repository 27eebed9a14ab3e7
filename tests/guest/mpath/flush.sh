#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Flushes and writes with FUA reach the disk through a map, as QEMU counts them, over the path that they took;
# where that path fails they take another, and none is lost: as requests and as bios.
# topology: mpath-debug
# timeout: 240
# modules: dm_multipath dm_round_robin dm_queue_length dm_service_time
# allow-log: (I/O|device offline) error, dev sd|rejecting I/O to offline device | paths are set offline
# allow-log: (I/O|critical space allocation) error, dev (sd|dm-) | flushes are to fail
# tests: 31
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
# shellcheck source=tests/guest/mpath/lib.sh
. /ironpath/mpath.sh
set -eu
plan 31
require_cmd python3

SECTORS=1048576
# The least that is no failure of the path.
ENOSPC=28
MAP=/dev/mapper/m

# flushes COMMAND...: sets `by_first` and `by_second` to the flushes that QEMU has done for each path meanwhile.
flushes() {
	flushes_first=$(ctl stat "$qemu_first" flush_operations)
	flushes_second=$(ctl stat "$qemu_second" flush_operations)
	"$@" || return
	by_first=$(($(ctl stat "$qemu_first" flush_operations) - flushes_first))
	by_second=$(($(ctl stat "$qemu_second" flush_operations) - flushes_second))
	echo "$*: $by_first flushes over the first path, $by_second over the second"
}
# by FIRST SECOND COMMAND...: it does so many.
by() {
	by_wanted="$1 $2"
	shift 2
	flushes "$@" && [ "$by_first $by_second" = "$by_wanted" ]
}
# synced COUNT: fsync, so many times. durable COUNT: direct writes with O_DSYNC. plain COUNT: without.
synced() {
	python3 -c '
import os, sys
device = os.open(sys.argv[1], os.O_RDWR)
for _ in range(int(sys.argv[2])):
    os.fsync(device)' $MAP "$1"
}
durable() { dd if=/dev/zero of=$MAP bs=4k count="$1" oflag=direct,dsync 2>/dev/null; }
plain() { dd if=/dev/zero of=$MAP bs=4k count="$1" oflag=direct 2>/dev/null; }

reinstate() {
	map_message m reinstate_path "$first"
	map_message m reinstate_path "$second"
}

cycle() {
	mode=$1
	# One path after the other, and the whole turn at one.
	map_create m "0 $SECTORS multipath 2 queue_mode $mode 0 2 1 round-robin 0 1 1 $first 1 round-robin 0 1 1 $second 1"
	check "$mode: the map has a write cache" grep -qx "write back" "/sys/block/dm-0/queue/write_cache"
	check "$mode: plain writes cause no flush" by 0 0 plain 8
	check "$mode: each fsync causes a flush" by 5 0 synced 5
	check "$mode: each O_DSYNC write causes a flush" by 8 0 durable 8
	map_message m fail_path "$first"
	check "$mode: over the second path, fsync" by 0 5 synced 5
	check "$mode: over the second path, O_DSYNC writes" by 0 8 durable 8
	reinstate
	map_message m switch_group 1
	plain 1
	offline "$disk1"
	check "$mode: a flush on an offline path is sent on the other path" by 0 1 synced 1
	check "$mode: that path has failed" path_failed m "$first"
	running "$disk1"
	reinstate
	map_message m switch_group 1
	plain 1
	offline "$disk1"
	check "$mode: so does an O_DSYNC write" by 0 1 durable 1
	check "$mode: that path has failed" path_failed m "$first"
	running "$disk1"
	reinstate
	# Without any path a flush is no success.
	map_message m fail_path "$first"
	map_message m fail_path "$second"
	check "$mode: without paths a flush is an error" eval "! synced 1 2>/tmp/answer && grep -q 'Input/output error' /tmp/answer"
	map_remove m
	# It fails, and that is told.
	map_create m "0 $SECTORS multipath 2 queue_mode $mode 0 1 1 round-robin 0 1 1 $first 1"
	ctl inject disk0 flush any $ENOSPC once
	# QEMU skips a flush where nothing was written.
	plain 1
	check "$mode: a flush that the disk refuses is an error" eval "! synced 1 2>/tmp/answer && grep -q 'No space left' /tmp/answer"
	check "$mode: the path has not failed" path_active m "$first"
	ctl heal disk0
	check "$mode: once the disk is healed, a flush succeeds" by 1 0 synced 1
	map_remove m
}

modprobe virtio_scsi
find_paths 2
qemu_first=$(qemu_name "$disk1") && qemu_second=$(qemu_name "$disk2") || die "QEMU does not know the disks"
load_target || die "no target"
# What one path alone does: the counts are true.
check "an fsync of the disk itself causes a flush" by 1 0 eval "MAP=/dev/$disk1; synced 1; MAP=/dev/mapper/m"
cycle rq
cycle bio
check "the target can be unloaded" unload_target
check "the paths kept their numbers" [ "$(number_of "$disk1") $(number_of "$disk2")" = "$first $second" ]
finish
