#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Path groups under the distribution's multipathd: each path is a group with a priority, verified I/O goes to the
# next group when the first one's path is lost, and back when it returns.
# topology: mpath
# modules: dm_multipath
# timeout: 300
# allow-log: I/O error, dev sd|Buffer I/O error on dev sd|rejecting I/O to offline device | a path is set offline under I/O
# tests: 12
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
# shellcheck source=tests/guest/mpath/lib.sh
. /ironpath/mpath.sh
set -eu
plan 12
require_cmd multipathd multipath python3

WWID=35000c50000000100

# in_use DISK: its path is the only one of the group that I/O goes to: `A`, no words of the selector's, one path.
in_use() { map_info $WWID | grep -q " A 0 1 2 $(number_of "$1") A "; }
# only_moves DISK: of the map's paths, I/O goes over this one.
only_moves() {
	only_from=
	for only in $(paths_to IRON0000); do
		only_from="$only_from $only=$(io_count "$only")"
	done
	moves $WWID || return
	moves $WWID || return
	for only in $only_from; do
		only_count=$(($(io_count "${only%=*}") - ${only#*=}))
		echo "$only: $only_count more"
		case ${only%=*} in
		"$1") [ "$only_count" -ge 40 ] || return ;;
		# Nothing but what udev may still read of a path that has returned.
		*) [ "$only_count" -lt 20 ] || return ;;
		esac
	done
}

load_paths
wait_for 20 path_count IRON0000 3 || die "no paths"
# shellcheck disable=SC2046 # words
set -- $(paths_to IRON0000)
first=$1 second=$2 third=$3
start_udev
load_target || die "no target"
start_multipathd "find_multipaths yes" "no_path_retry queue" "path_grouping_policy failover" \
	"failback immediate" "detect_prio no" "prio weightedpath" \
	"prio_args \"devname $first 50 $second 30 $third 10\"" || die "multipathd does not answer"
check "a map" wait_for 60 has_map $WWID
check "of three paths" wait_for 30 paths_in $WWID "active ready" 3
in_three_groups() { map_info $WWID | grep -q '^2 [01] 0 0 3 '; }
check "in three groups" wait_for 30 in_three_groups
wait_for 20 [ -b "/dev/mapper/$WWID" ] || die "no node"
verify_start "/dev/mapper/$WWID" 16m
check "I/O goes to the group of the highest priority" wait_for 20 in_use "$first"
check "and to its path only" only_moves "$first"
offline "$first"
check "its path lost, the group of the next priority is used" wait_for 60 in_use "$second"
check "multipathd sees the path failed, too" wait_for 60 paths_in $WWID "failed" 1
check "I/O goes over that group's path only" only_moves "$second"
running "$first"
check "the path returns" wait_for 60 paths_in $WWID "active ready" 3
check "multipathd goes back to its group" wait_for 60 in_use "$first"
check "I/O goes over its path only" only_moves "$first"
check "all of it is verified" verify_stop
finish
