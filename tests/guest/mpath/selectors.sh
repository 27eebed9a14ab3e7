#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# historical-service-time and io-affinity choose as their algorithms say, as requests and as bios: by the time
# that a path takes, and by the CPU that asks; the same with the C selectors in the stock dm-multipath.
# topology: mpath-debug
# timeout: 480
# modules: dm_multipath dm_round_robin dm_queue_length dm_service_time
# tests: 53
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
# shellcheck source=tests/guest/mpath/lib.sh
. /ironpath/mpath.sh
set -eu
plan 53
require_cmd fio taskset

SECTORS=1048576
# I/Os a second of a path that is slow, many times less than of one that is not, and how many are sent.
SLOW=5
IOS=48

# count COMMAND...: sets `on_first` and `on_second`, how many reads each path has done for the command.
count() {
	count_first=$(reads_of "$disk1")
	count_second=$(reads_of "$disk2")
	"$@" || return
	on_first=$(($(reads_of "$disk1") - count_first))
	on_second=$(($(reads_of "$disk2") - count_second))
	echo "$*: $on_first over the first path, $on_second over the second"
}
reads_of() { awk '{ print $1 }' "/sys/block/$1/stat"; }

# --- io-affinity -------------------------------------------------------------------------------

read_on() { taskset -c "$1" dd if=/dev/mapper/m of=/dev/null bs=4k count=20 iflag=direct 2>/dev/null; }
# spread CPU: how 20 reads from this CPU are spread, and what the status says then.
spread() {
	count read_on "$1" >/dev/null || echo "error"
	echo "$mode, $2, CPU $1: $on_first $on_second; $(map_info m)"
}
affinity() {
	map_create m "0 $SECTORS multipath 2 queue_mode $mode 0 1 1 io-affinity 0 2 1 $first 1 $second 2"
	spread 0 both
	spread 1 both
	map_message m fail_path "$first"
	spread 0 "without the first"
	spread 1 "without the first"
	map_message m reinstate_path "$first"
	map_message m fail_path "$second"
	spread 0 "without the second"
	spread 1 "without the second"
	map_message m reinstate_path "$second"
	spread 0 again
	spread 1 again
	map_remove m
	map_create m "0 $SECTORS multipath 2 queue_mode $mode 0 1 1 io-affinity 0 1 1 $second 1"
	spread 0 "one path"
	spread 1 "one path"
	map_remove m
}

# affine WHAT CPU FIRST SECOND: of 20 reads so many went over each path.
affine() {
	check "$TARGET, $mode: io-affinity, $1, CPU $2: $3 and $4 of 20 reads" \
		grep -q "^$mode, $1, CPU $2: $3 $4;" "/tmp/affinity.$TARGET"
}

# --- historical-service-time -------------------------------------------------------------------

history() { map_create m "0 $SECTORS multipath 2 queue_mode $mode 0 1 1 historical-service-time $1 2 1 $first 1 $second 1"; }
many() {
	fio --name=reads --filename=/dev/mapper/m --rw=randread --bs=4k --size=64m --iodepth=8 --ioengine=libaio \
		--direct=1 --number_ios=$IOS --output=/dev/null --thread
}
one_by_one() { dd if=/dev/mapper/m of=/dev/null bs=4k count=$IOS iflag=direct 2>/dev/null; }
# most_on COUNT OTHER: at least two thirds of all.
most_on() { [ $(($1 + $2)) = $IOS ] && [ "$1" -ge $((IOS * 2 / 3)) ]; }
half_each() { [ "$on_first" = $((IOS / 2)) ] && [ "$on_second" = $((IOS / 2)) ]; }
# quiet: nothing counts as outstanding on either path.
quiet() {
	map_info m | tee /tmp/info
	[ "$(grep -Eo '[0-9]+:[0-9]+ [AF] [0-9]+ [0-9]+ 0 [0-9]+' /tmp/info | wc -l)" = 2 ]
}

historical() {
	history 0
	ctl throttle "$qemu_first" $SLOW
	count many
	check "$TARGET, $mode: historical-service-time avoids a slow path" most_on "$on_second" "$on_first"
	check "$TARGET, $mode: the slow path still gets some I/O" [ "$on_first" -gt 0 ]
	count one_by_one
	check "$TARGET, $mode: nor does it use it much one by one" most_on "$on_second" "$on_first"
	check "$TARGET, $mode: its history is longer" eval "[ $(figure "$first") -gt $(figure "$second") ]"
	ctl throttle "$qemu_first" 0
	ctl throttle "$qemu_second" $SLOW
	# It has to find out first.
	many
	count many
	check "$TARGET, $mode: when the other is slow it avoids that" most_on "$on_first" "$on_second"
	check "$TARGET, $mode: no I/O is counted as outstanding at the end" quiet
	map_remove m
	# Paths that differ by less than the threshold count as equal.
	history "2 972 1000000"
	count one_by_one
	check "$TARGET, $mode: below the threshold each path has half" half_each
	map_remove m
	ctl throttle "$qemu_second" 0
}
# figure PATH: its service time in the status.
figure() { map_info m | grep -Eo "$1 A [0-9]+ [0-9]+" | awk '{ print $4 }'; }

# The same slow path and a selector that does not look: the counts are true.
control() {
	map_create m "0 $SECTORS multipath 0 0 1 1 round-robin 0 2 1 $first 1 $second 1"
	ctl throttle "$qemu_first" $SLOW
	count many
	check "$TARGET: round-robin gives a slow path half" half_each
	ctl throttle "$qemu_first" 0
	map_remove m
}

run() {
	TARGET=$1
	load_target && load_selectors || die "no target $1"
	for mode in rq bio; do
		affinity >>"/tmp/affinity.$TARGET"
		affine both 0 20 0
		affine both 1 0 20
		affine "without the first" 0 0 20
		affine "without the second" 1 20 0
		affine again 0 20 0
		historical
	done
	control
	unload_selectors
	unload_target
}

modprobe virtio_scsi
find_paths 2
qemu_first=$(qemu_name "$disk1") && qemu_second=$(qemu_name "$disk2") || die "QEMU does not know the disks"
run dm_multipath
run rmpath
diff -U 0 /tmp/affinity.dm_multipath /tmp/affinity.rmpath >/tmp/differences || :
cat /tmp/affinity.rmpath /tmp/differences
check "20 steps with io-affinity" [ "$(wc -l </tmp/affinity.rmpath)" = 20 ]
check "a CPU without a path is counted" grep -q "one path, CPU 1: 0 20; .* A 0 [1-9][0-9]* $" /tmp/affinity.rmpath
check "io-affinity: counts and status are as of the C selector" [ ! -s /tmp/differences ]
finish
