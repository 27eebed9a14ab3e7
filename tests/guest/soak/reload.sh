#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A map gets other tables at random under verified I/O, again and again; as requests and as bios. The same
# again: tests/run --env SEED=N soak/reload; --env ROUNDS=N for another number of them.
# topology: mpath
# timeout: 1200
# modules: dm_multipath dm_round_robin dm_queue_length dm_service_time
# when: named
# tests: 5
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
set -eu
plan 5
require_cmd python3

SECTORS=1048576
ROUNDS=${ROUNDS:-50}

# another: sets `table`.
another() {
	random 6
	case $chance in
	0) layout="1 1 round-robin 0 3 1 $first 1 $second 1 $third 1" ;;
	1) layout="2 1 service-time 0 1 2 $first 1 1 queue-length 0 2 1 $second 1 $third 1" ;;
	2) layout="2 2 round-robin 0 1 1 $third 1 round-robin 0 1 1 $first 1" ;;
	3) layout="3 3 round-robin 0 1 1 $first 1 round-robin 0 1 1 $second 1 round-robin 0 1 1 $third 1" ;;
	4) layout="1 1 service-time 0 1 0 $second" ;;
	*) layout="1 1 queue-length 0 2 0 $third $first" ;;
	esac
	random 2
	[ "$chance" = 0 ] && features="2 queue_mode $mode" || features="3 queue_if_no_path queue_mode $mode"
	table="0 $SECTORS multipath $features 0 $layout"
}

# reloads: flushed or not, loaded before or while it is suspended; sometimes the table is the same.
reloads() {
	for round in $(seq "$ROUNDS"); do
		another
		random 4
		echo "$mode $round: way $chance: $table"
		case $chance in
		0) map_reload m "$table" || return ;;
		1) dmsetup suspend --noudevsync --noflush m && dmsetup load m --table "$table" &&
			dmsetup resume --noudevsync m || return ;;
		2) dmsetup load m --table "$table" && dmsetup suspend --noudevsync m &&
			dmsetup resume --noudevsync m || return ;;
		*) dmsetup suspend --noudevsync m && dmsetup resume --noudevsync m || return ;;
		esac
		goes_on m || return
	done
}

cycle() {
	mode=$1
	another
	map_create m "$table"
	verify_start /dev/mapper/m 32m
	moves m || die "no I/O"
	check "$mode: $ROUNDS tables under I/O" reloads
	check "$mode: all of it is verified" verify_stop
	map_remove m
}

load_paths
find_paths 3
load_target || die "no target"
say "SEED=$SEED"
cycle rq
cycle bio
check "the target can be unloaded" unload_target
finish
