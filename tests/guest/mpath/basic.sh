#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The target registers, maps take I/O as requests and as bios, and show the state of their paths.
# topology: mpath
# timeout: 150
# modules: dm_multipath dm_round_robin dm_queue_length dm_service_time
# allow-log: I/O error, dev dm- | I/O of a map without paths is to fail
# tests: 28
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
set -eu
plan 28

SECTORS=1048576

# cycle MODE: a map of two paths, I/O through it, loss and return of paths.
cycle() {
	case $1 in
	bio) features="2 queue_mode bio" ;;
	*) features="0" ;;
	esac
	check "$1: a map of two paths" map_create m \
		"0 $SECTORS multipath $features 0 1 1 round-robin 0 2 1 $first 1 $second 1"
	# Other data in each mode: what the mode before has left is no success.
	seq 1 20000 | sed "s/^/$1 /" >/tmp/data
	size=$(stat -c %s /tmp/data)
	dd if=/tmp/data of=/dev/mapper/m bs=64k conv=fsync
	echo 3 >/proc/sys/vm/drop_caches
	check "$1: data comes back" cmp -n "$size" /tmp/data /dev/mapper/m
	check "$1: the second path reads the same" cmp -n "$size" /tmp/data "/dev/$disk2"
	check "$1: table" [ "$(map_table m)" = "$features 0 1 1 round-robin 0 2 1 $first 1 $second 1 " ]
	check "$1: status" [ "$(map_info m)" = "2 0 0 0 1 1 A 0 2 0 $first A 0 $second A 0 " ]
	check "$1: a path is failed" map_message m fail_path "$first"
	check "$1: status shows it" [ "$(map_info m)" = "2 0 0 0 1 1 A 0 2 0 $first F 1 $second A 0 " ]
	check "$1: I/O takes the other" dd if=/dev/mapper/m of=/dev/null bs=64k count=16 iflag=direct
	map_message m fail_path "$second"
	if dd if=/dev/mapper/m of=/dev/null bs=64k count=1 iflag=direct 2>/dev/null; then
		fail "$1: no path, an error"
	else
		pass "$1: no path, an error"
	fi
	check "$1: a path returns" map_message m reinstate_path "$second"
	check "$1: and takes I/O" dd if=/dev/mapper/m of=/dev/null bs=64k count=16 iflag=direct
	check "$1: the map goes" map_remove m
}

load_paths
find_paths 3

# other_type: a table without paths has no devices that say how it takes I/O.
other_type() {
	map_create m "0 $SECTORS multipath 2 queue_mode bio 0 1 1 round-robin 0 1 1 $first 1"
	kmsg_mark
	if dmsetup load m --table "0 $SECTORS multipath 3 queue_if_no_path queue_mode rq 0 0 0" 2>/dev/null; then
		fail "a table that takes requests is refused where bios come"
	else
		check "a table that takes requests is refused where bios come" kmsg_has "takes bios, not requests"
	fi
	check "one that takes bios is not" map_reload m \
		"0 $SECTORS multipath 3 queue_if_no_path queue_mode bio 0 0 0"
	map_remove m
	check "nor a new one that takes requests" map_create m "0 $SECTORS multipath 2 queue_mode rq 0 0 0"
	map_remove m
}

load_target || die "no target"
cycle rq
cycle bio
if [ "$TARGET" = rmpath ]; then
	other_type
else
	skip "a table that takes requests is refused where bios come" "not rmpath"
	skip "one that takes bios is not" "not rmpath"
	skip "nor a new one that takes requests" "not rmpath"
fi
unload_target
if [ "$TARGET" = rmpath ]; then
	modprobe dm_multipath
	kmsg_mark
	if insert rmpath; then
		fail "loading beside dm-multipath is refused"
	else
		check "loading beside dm-multipath is refused" kmsg_has "rmpath: .*dm_multipath is registered"
	fi
else
	skip "loading beside dm-multipath is refused" "not rmpath"
fi
finish
