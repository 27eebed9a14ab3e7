#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The time without a successful I/O ends, whatever a checker says of the paths meanwhile: by messages, and with
# the distribution's multipathd, whose checker asks for nothing that moves data.
# topology: mpath-debug
# modules: scsi_debug dm_multipath dm_round_robin dm_queue_length dm_service_time
# timeout: 400
# allow-log: I/O error, dev sd|recoverable transport error, dev sd|Buffer I/O error on dev sd | paths are made to fail
# allow-log: (I/O|recoverable transport) error, dev dm-|Buffer I/O error on dev dm- | I/O that was kept is to fail
# tests: 23
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
# shellcheck source=tests/guest/mpath/lib.sh
. /ironpath/mpath.sh
set -eu
plan 23
require_cmd multipathd multipath

SECTORS=1048576
EIO=5

read_map() { dd if=/dev/mapper/m of=/dev/null bs=4k count=1 iflag=direct 2>/dev/null; }

# reinstating PERIOD: the path comes back every so often, as with a checker that sees nothing wrong.
reinstating() {
	while sleep "$1"; do
		map_message m reinstate_path "$first" || return
	done
}
stop() {
	kill "$1"
	wait "$1" || :
}

# checker_says_up MODE: its path is reinstated four times a second while all reads fail.
checker_says_up() {
	mode=$1
	map_create m "0 $SECTORS multipath 5 queue_if_no_path queue_mode $mode no_path_timeout_secs 8 0 1 1 round-robin 0 1 1 $first 1"
	read_map
	kmsg_mark
	ctl inject disk0 read any $EIO
	started=$(uptime_ms)
	read_map &
	reader=$!
	reinstating 0.25 &
	checker=$!
	check "$mode: a read ends, however often its path is reinstated" wait_for 60 ended "$reader"
	took=$(($(uptime_ms) - started))
	if wait "$reader"; then fail "$mode: with an error"; else pass "$mode: with an error"; fi
	check "$mode: the read does not end before the timeout" [ "$took" -ge 7500 ]
	stop $checker
	check "$mode: the path was reinstated repeatedly" [ "$(kmsg_since | grep -c "Reinstating path $first")" -ge 5 ]
	check "$mode: the log says so once" [ "$(kmsg_since | grep -c 'queue_if_no_path timeout on .*, failing queued IO')" = 1 ]
	check "$mode: the map no longer queues" eval "! map_table m | grep -q queue_if_no_path"
	ctl heal disk0
	map_message m reinstate_path "$first"
	check "$mode: the path works again when its reads do" read_map

	# A later outage has the whole timeout again.
	map_message m queue_if_no_path
	kmsg_mark
	map_message m fail_path "$first"
	read_map &
	reader=$!
	if wait_for 1 ended "$reader"; then
		die "$mode: it is not kept"
	fi
	map_message m reinstate_path "$first"
	check "$mode: a path that comes back in time ends the outage" wait "$reader"
	check "$mode: queueing does not end" eval "! kmsg_has 'queue_if_no_path timeout'"
	map_remove m
}

# fails DISK OPCODE...: such commands end with a failed transport.
TRANSPORT_FAILFAST=0xf
fails() { debug_error_with "2 -1000000" "$TRANSPORT_FAILFAST 0 0 0 0 0" "$@"; }
works() { debug_error_with "- 2" "" "$@"; }
debug_error_with() {
	debug_file=/sys/kernel/debug/scsi_debug/$(basename "$(readlink -f "/sys/block/$3/device")")/error
	debug_before=$1 debug_after=$2
	shift 3
	for debug_opcode; do
		echo "$debug_before $debug_opcode $debug_after" >"$debug_file" || return
	done
}
the_map() { multipathd show maps raw format "%n"; }
one_map() { [ "$(the_map | wc -l)" = 1 ]; }
up_paths() { [ "$(multipathd show paths format "%t %T %c" | grep -c '^ *active *ready *tur')" = "$1" ]; }

with_multipathd() {
	modprobe scsi_debug add_host=2 dev_size_mb=$((DEBUG_SECTORS / 2048)) vpd_use_hostno=0
	debug_paths || die "no disks"
	start_udev
	start_multipathd "find_multipaths yes" "path_checker tur" "no_path_retry queue" \
		'features "2 no_path_timeout_secs 4"' || die "multipathd does not answer"
	check "multipathd makes a map with the feature" wait_for 60 one_map
	map=$(the_map)
	check "of two paths whose checker says up" wait_for 60 up_paths 2
	check "that queues" eval "dmsetup table '$map' | grep -q 'queue_if_no_path no_path_timeout_secs 4'"
	kmsg_mark
	for disk in "$silent" "$other"; do
		fails "$disk" $READ10 $WRITE10
	done
	dd if="/dev/mapper/$map" of=/dev/null bs=4k count=1 iflag=direct 2>/dev/null &
	reader=$!
	check "a read ends while multipathd reinstates the paths" wait_for 60 ended "$reader"
	if wait "$reader"; then fail "it ends with an error"; else pass "it ends with an error"; fi
}

modprobe virtio_scsi
find_paths 2
load_target || die "no target"
for mode in rq bio; do
	checker_says_up $mode
done
with_multipathd
finish
