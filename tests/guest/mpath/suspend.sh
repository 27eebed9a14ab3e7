#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A suspension that a signal ends leaves the map as it was: it goes on to queue, and I/O that finds no path in the
# middle of it is kept. As requests and as bios, with and without a flush.
# topology: mpath-debug
# timeout: 120
# tests: 29
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
set -eu
plan 29

SECTORS=1048576

# read_at BLOCK
read_at() { dd if=/dev/mapper/m of=/dev/null bs=4k count=1 skip="$1" iflag=direct 2>/dev/null; }
waits_for_io() { grep -q dm_wait_for_completion "/proc/$suspender/stack"; }
queues() { map_table m | grep -q '^[0-9] queue_if_no_path '; }

# called_off MODE [OPTION]: with a read on the path that does not end.
called_off() {
	mode=$1
	name="$mode${2:+, without a flush}"
	map_create m "0 $SECTORS multipath 3 queue_if_no_path queue_mode $mode 0 1 1 round-robin 0 1 1 $first 1"
	read_at 0
	ctl hold disk0 read stuck
	read_at 1 &
	held=$!
	wait_for 20 in_flight || die "the read is not held"
	dmsetup suspend --noudevsync --nolockfs ${2:+"$2"} m &
	suspender=$!
	check "$name: a suspension waits for a held read" wait_for 20 waits_for_io
	map_message m fail_path "$first"
	if [ -n "${2:-}" ]; then
		# Device-mapper has it until the suspension has ended.
		read_at 2 &
		kept=$!
	fi
	# The shell lets its background jobs ignore SIGINT.
	kill -KILL $suspender
	check "$name: a signal ends it" wait_for 20 ended $suspender
	check "$name: the map still queues" wait_for 5 queues
	if [ -z "${2:-}" ]; then
		read_at 2 &
		kept=$!
	fi
	if wait_for 2 ended $kept; then
		fail "$name: a read without a path is kept"
	else
		pass "$name: a read without a path is kept"
	fi
	map_message m reinstate_path "$first"
	check "$name: it succeeds when the path is reinstated" wait $kept
	ctl release disk0 stuck
	check "$name: the held read succeeds" wait $held
	check "$name: the map works" read_at 3
	map_remove m
}
in_flight() { [ "$(awk '{ print $1 }' "/sys/block/$disk1/inflight")" = 1 ]; }

modprobe virtio_scsi
find_paths 2
load_target || die "no target"
for mode in rq bio; do
	called_off $mode --noflush
	called_off $mode
done
check "the target can be unloaded" unload_target
finish
