#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Verified I/O goes on while paths fail in every way there is, return, flap, and are all gone for a while;
# as requests and as bios.
# topology: mpath
# timeout: 300
# modules: dm_multipath dm_round_robin dm_queue_length dm_service_time
# allow-log: I/O error, dev sd|Buffer I/O error on dev sd | paths are made to fail
# allow-log: rejecting I/O to offline device | paths are set offline under I/O
# allow-log: I/O error, dev dm- | I/O of a map without paths is to fail
# tests: 34
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
set -eu
plan 34
require_cmd python3

SECTORS=1048576
FLAPS=${FLAPS:-60}

# start_io: verified I/O until verify_stop.
start_io() {
	verify_start /dev/mapper/m 32m
	moves m || die "no I/O"
}

events() { dmsetup info -c --noheadings -o events m; }
settled_down() {
	down_from=$(ios_of "$moves_stat")
	! wait_for 1 moved_from "$down_from"
}

cycle() {
	mode=$1
	map_create m "0 $SECTORS multipath 3 queue_if_no_path queue_mode $mode 0 2 1 service-time 0 2 2 $first 1 1 $second 1 1 round-robin 0 1 1 $third 1"
	start_io
	before=$(events)
	map_message m fail_path "$first"
	check "$mode: fail_path" goes_on m
	check "$mode: the event number counts" [ "$(events)" -gt "$before" ]
	map_message m reinstate_path "$first"
	check "$mode: reinstate_path" goes_on m
	offline "$disk2"
	check "$mode: a device offline fails its path" wait_for 30 path_failed m "$second"
	check "$mode: I/O goes on without it" goes_on m
	running "$disk2"
	map_message m reinstate_path "$second"
	check "$mode: it returns" goes_on m
	map_message m switch_group 2
	check "$mode: another group" goes_on m
	check "$mode: is the current one" eval "map_info m | grep -q '^2 0 0 0 2 2 E .* A 0 1 0 $third'"
	map_message m switch_group 1
	for flap in $(seq "$FLAPS"); do
		case $((flap % 3)) in
		0) path=$first ;;
		1) path=$second ;;
		*) path=$third ;;
		esac
		map_message m fail_path "$path"
		map_message m reinstate_path "$path"
	done
	check "$mode: $FLAPS flaps" goes_on m
	for path in $first $second $third; do
		map_message m fail_path "$path"
	done
	check "$mode: without paths I/O waits" wait_for 30 settled_down
	check "$mode: and does not end" verify_runs
	map_message m reinstate_path "$third"
	check "$mode: with one it goes on" goes_on m
	map_message m reinstate_path "$first"
	map_message m reinstate_path "$second"
	map_reload m "0 $SECTORS multipath 3 queue_if_no_path queue_mode $mode 0 1 1 queue-length 0 2 1 $first 1 $second 1"
	check "$mode: another table under I/O" goes_on m
	if map_remove m 2>/dev/null; then
		fail "$mode: a map in use stays"
	else
		pass "$mode: a map in use stays"
	fi
	check "$mode: all of it is verified" verify_stop
	map_remove m
}

load_paths
find_paths 3

load_target || die "no target"
cycle rq
cycle bio

# Errors, and no hang, when no path is left and none is waited for; a path is unplugged.
map_create m "0 $SECTORS multipath 0 0 1 1 round-robin 0 2 1 $first 1 $third 1"
start_io
ctl device_del disk2
check "a path is unplugged" ctl wait_deleted disk2 30
check "I/O goes on" goes_on m
map_message m fail_path "$first"
check "no path is left: I/O ends" wait_for 30 verify_ended
check "in errors" grep "Input/output error" "$(verify_file out)"
finish
