#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Path groups under the distribution's multipathd: each path is a group, verified I/O goes to the next group when
# the first one's path is lost, and back when it returns.
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

# active_group: the number of the group that I/O goes to; in the status each begins with its state.
active_group() {
	map_info $WWID | awk '{ for (i = 6; i <= NF; i++) if ($i ~ /^[ADE]$/ && $(i + 1) == 0) { n++; if ($i == "A") print n } }'
}
is_active() { [ "$(active_group)" = "$1" ]; }
# disk_in_group N: the disk whose path is the group's only one.
disk_in_group() {
	in_number=$(map_info $WWID | grep -Eo '[0-9]+:[0-9]+ [AF]' | sed -n "$1s/ .*//p")
	basename "$(readlink -f "/sys/dev/block/$in_number")"
}
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
start_udev
load_target || die "no target"
start_multipathd "find_multipaths yes" "no_path_retry queue" "path_grouping_policy failover" \
	"failback immediate" || die "multipathd does not answer"
check "a map" wait_for 60 has_map $WWID
check "of three paths" wait_for 30 paths_in $WWID "active ready" 3
check "in three groups" eval "map_info $WWID | grep -q '^2 0 0 0 3 '"
wait_for 20 [ -b "/dev/mapper/$WWID" ] || die "no node"
verify_start "/dev/mapper/$WWID" 16m
check "I/O goes to the first group" wait_for 20 is_active 1
path=$(disk_in_group 1)
next=$(disk_in_group 2)
check "and to its path only" only_moves "$path"
offline "$path"
check "its path lost, the second group is used" wait_for 60 is_active 2
check "multipathd sees the path failed, too" wait_for 60 paths_in $WWID "failed" 1
check "I/O goes over the second group's path only" only_moves "$next"
running "$path"
check "the path returns" wait_for 60 paths_in $WWID "active ready" 3
check "multipathd goes back to the first group" wait_for 60 is_active 1
check "I/O goes over its path only" only_moves "$path"
check "all of it is verified" verify_stop
finish
