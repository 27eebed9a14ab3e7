#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What the stock target does not have, but for the deadline of paths: a time without paths for each map, a
# check that paths lead to one device, statistics of paths.
# topology: mpath-debug
# timeout: 150
# allow-log: I/O error, dev dm- | I/O is to end when the time without paths is over
# tests: 32
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
set -eu
plan 32

SECTORS=1048576

read_map() { dd if=/dev/mapper/m of=/dev/null bs=4k count=1 iflag=direct 2>/dev/null; }
refused() {
	! map_create m "$1" 2>/tmp/answer
	dmsetup remove --noudevsync m 2>/dev/null || :
	grep -q "Invalid argument" /tmp/answer
}

# time_without_paths MODE [FEATURE...]: with these, or what the module parameter says, it is two seconds.
time_without_paths() {
	mode=$1
	shift
	map_create m "0 $SECTORS multipath $((3 + $#)) queue_if_no_path queue_mode $mode $* 0 1 1 round-robin 0 1 1 $first 1"
	read_map
	kmsg_mark
	map_message m fail_path "$first"
	started=$(date +%s%N)
	read_map &
	reader=$!
	check "$mode: I/O ends when the time is over" wait_for 20 ended "$reader"
	took=$((($(date +%s%N) - started) / 1000000))
	check "$mode: not before" [ "$took" -ge 1000 ]
	if wait "$reader"; then fail "$mode: with an error"; else pass "$mode: with an error"; fi
	check "$mode: the log says so" kmsg_has "queue_if_no_path timeout on .*, failing queued IO"
	map_remove m
}

modprobe virtio_scsi
find_paths 2
wait_for 20 path_count IRON0001 1 || die "no other disk"
other=$(number_of "$(paths_to IRON0001)")
load_target || die "no target"

time_without_paths rq no_path_timeout_secs 2
time_without_paths bio no_path_timeout_secs 2
PARAMETER=/sys/module/rmpath/parameters/queue_if_no_path_timeout_secs
check "the module parameter is without end" [ "$(cat $PARAMETER)" = 0 ]
if echo two >$PARAMETER; then fail "it takes a number only"; else pass "it takes a number only"; fi
echo 2 >$PARAMETER
check "and can be changed" [ "$(cat $PARAMETER)" = 2 ]
time_without_paths rq

kmsg_mark
check "paths to two devices are refused where the table says so" refused \
	"0 $SECTORS multipath 1 require_same_wwid 0 1 1 round-robin 0 2 1 $first 1 $other 1"
check "the log names them" kmsg_has "paths $first and $other have different WWIDs"
check "and the word" kmsg_has "have different WWIDs: word [0-9]+, '$other'"
check "else they are taken" map_create m "0 $SECTORS multipath 0 0 1 1 round-robin 0 2 1 $first 1 $other 1"
map_remove m
check "paths to one device are taken" map_create m \
	"0 $SECTORS multipath 1 require_same_wwid 0 1 1 round-robin 0 2 1 $first 1 $second 1"
check "the table says so" [ "$(map_table m)" = "1 require_same_wwid 0 1 1 round-robin 0 2 1 $first 1 $second 1 " ]
map_message m stats latency_on
read_map
read_map
map_message m stats | tee /tmp/stats
check "statistics of both paths" [ "$(grep -c 'ios [0-9]* bytes [0-9]* errors 0 in_flight 0' /tmp/stats)" = 2 ]
check "with latencies" grep -Eq 'latency_us .*[0-9]+:[0-9]' /tmp/stats
check "they count" eval "awk '{ n += \$4 } END { exit n < 2 }' /tmp/stats"
mountpoint -q /sys/kernel/debug || mount -t debugfs debugfs /sys/kernel/debug
PATHS=/sys/kernel/debug/rmpath/paths
number=$(dmsetup info -c --noheadings -o major,minor --separator : m)
check "debugfs shows the same" eval "sed 's/^/$number /' /tmp/stats | cmp - $PATHS"
dmsetup load m --table "0 $SECTORS multipath 0 0 1 1 round-robin 0 1 1 $first 1"
check "not those of a table that is not live" eval "sed 's/^/$number /' /tmp/stats | cmp - $PATHS"
dmsetup suspend --noudevsync m
check "those of a map that is suspended" [ "$(wc -l <$PATHS)" = 2 ]
dmsetup resume --noudevsync m
check "those of its new table" eval "grep -qx '$number $first A ios 0 bytes 0 errors 0 in_flight 0 latency_us' $PATHS"
map_remove m
check "without a map, none" [ ! -s $PATHS ]
exec 3<$PATHS
if unload_target 2>/dev/null; then
	fail "who reads it holds the module"
else
	pass "who reads it holds the module"
fi
exec 3<&-
check "the target can be unloaded" unload_target
check "and is gone from debugfs" [ ! -e /sys/kernel/debug/rmpath ]
finish
