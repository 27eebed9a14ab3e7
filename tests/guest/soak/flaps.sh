#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Paths come and go at random under verified I/O, which never stops; as requests and as bios. The same again:
# tests/run --env SEED=N soak/flaps; --env FLAPS=N for another number of them.
# topology: mpath
# timeout: 1800
# modules: dm_multipath dm_round_robin dm_queue_length dm_service_time
# allow-log: I/O error, dev sd|Buffer I/O error on dev sd | paths are made to fail
# allow-log: rejecting I/O to offline device | paths are set offline under I/O
# when: named
# tests: 7
# shellcheck disable=SC2034 # read by eval
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
set -eu
plan 7
require_cmd python3

SECTORS=1048576
FLAPS=${FLAPS:-200}
PATHS=3

# disk N, number N, state N: of the path N; a state is up, failed or offline.
disk() { eval "echo \$disk_$1"; }
number() { eval "echo \$number_$1"; }
state() { eval "echo \$state_$1"; }

lose() {
	case $2 in
	offline) offline "$(disk "$1")" ;;
	*) map_message m fail_path "$(number "$1")" ;;
	esac
	eval "state_$1=$2"
	down=$((down + 1))
}

regain() {
	[ "$(state "$1")" != offline ] || running "$(disk "$1")"
	map_message m reinstate_path "$(number "$1")"
	eval "state_$1=up"
	down=$((down - 1))
}

# flap: one step at random. Only while I/O is queued may the last path go, for a moment.
flap() {
	random 8
	kind=$chance
	random $PATHS
	path=$((chance + 1))
	if [ "$kind" -ge 6 ]; then
		random 2
		did="switch_group $((chance + 1))"
		map_message m switch_group $((chance + 1))
	elif [ "$(state $path)" != up ]; then
		did="$path returns from $(state $path)"
		regain $path
	elif [ "$down" -lt $((PATHS - 1)) ]; then
		[ "$kind" -lt 3 ] && what=failed || what=offline
		did="$path $what"
		lose $path $what
	elif [ "$queues" = 1 ]; then
		did="$path failed, none is left, it returns"
		lose $path failed
		regain $path
	else
		did="$path returns although it is up"
		map_message m reinstate_path "$(number $path)"
	fi
}

# flaps COUNT: with I/O after each.
flaps() {
	for count in $(seq "$1"); do
		flap
		echo "$mode $count: $did; down: $down"
		if ! goes_on m; then
			echo "no I/O after: $did"
			dmsetup status m
			return 1
		fi
	done
}

all_return() {
	for path in 1 2 3; do
		[ "$(state $path)" = up ] || regain $path
		wait_for 30 path_active m "$(number $path)" || return
	done
}

cycle() {
	mode=$1
	queues=0
	down=0
	state_1=up
	state_2=up
	state_3=up
	map_create m "0 $SECTORS multipath 2 queue_mode $mode 0 2 1 service-time 0 2 2 $number_1 1 1 $number_2 1 1 round-robin 0 1 1 $number_3 1"
	verify_start /dev/mapper/m 32m
	moves m || die "no I/O"
	check "$mode: $((FLAPS / 2)) flaps, one path is always up" flaps $((FLAPS / 2))
	map_message m queue_if_no_path
	queues=1
	check "$mode: $((FLAPS - FLAPS / 2)) flaps, I/O waits where none is" flaps $((FLAPS - FLAPS / 2))
	all_return || die "a path does not return"
	check "$mode: all of it is verified" verify_stop
	map_remove m
}

load_paths
find_paths 3
disk_1=$disk1 disk_2=$disk2 disk_3=$disk3
number_1=$first number_2=$second number_3=$third
load_target || die "no target"
say "SEED=$SEED"
cycle rq
cycle bio
check "the target can be unloaded" unload_target
finish
