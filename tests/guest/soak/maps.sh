#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Maps are made, read and removed many times: they leave no memory and no reference behind.
# topology: mpath
# timeout: 1200
# modules: dm_multipath dm_round_robin dm_queue_length dm_service_time
# when: named
# tests: 9
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
set -eu
plan 9

SECTORS=1048576
MAPS=${MAPS:-200}
# Objects of one size that come and go by themselves.
NOISE=40
[ "$MAPS" -ge $((NOISE * 5 / 2)) ] || die "MAPS=$MAPS: a leak would be no more than what comes and goes by itself"

read_map() { dd if=/dev/mapper/m of=/dev/null bs=64k count=1 iflag=direct 2>/dev/null; }

# maps COUNT: with a path that fails, and one in three with a table that is refused besides.
maps() {
	for count in $(seq "$1"); do
		map_create m "0 $SECTORS multipath 3 queue_if_no_path queue_mode $mode 0 2 1 service-time 0 1 2 $first 1 1 round-robin 0 2 1 $second 1 $third 1" &&
			read_map && map_message m fail_path "$first" && read_map || return
		if [ $((count % 3)) = 0 ] && dmsetup load m --table \
			"0 $SECTORS multipath 0 0 1 1 round-robin 0 2 1 $first 1 99:99 1" 2>/dev/null; then
			return 1
		fi
		map_remove m || return
	done
}

# kmalloc: objects in use of each cache, with no free ones kept back.
kmalloc() {
	for cache in /sys/kernel/slab/kmalloc*; do
		echo 1 >"$cache/shrink"
	done
	awk '/^kmalloc/ { print $1, $2 }' /proc/slabinfo
}
# settled_memory: there have not been fewer objects for five seconds: what earlier maps had that is freed later
# has been.
settled_memory() {
	memory_lowest=$(objects)
	memory_since=$(uptime_ms)
	wait_for 120 memory_lasts
}
memory_lasts() {
	memory_now=$(objects)
	if [ "$memory_now" -lt "$memory_lowest" ]; then
		memory_lowest=$memory_now
		memory_since=$(uptime_ms)
	fi
	[ "$(uptime_ms)" -ge $((memory_since + 5000)) ]
}
objects() { kmalloc | awk '{ objects += $2 } END { print objects }'; }
percpu() { awk '/^Percpu:/ { print $2 }' /proc/meminfo; }

# grown: caches with half an object more for each map, and more than comes and goes by itself.
grown() {
	echo 3 >/proc/sys/vm/drop_caches
	kmalloc >/tmp/after
	awk -v most=$((MAPS / 2 + NOISE)) 'NR == FNR { before[$1] = $2; next }
		$2 - before[$1] > most { print $1 ": " before[$1] ", now " $2 }' /tmp/before /tmp/after
}
no_growth() {
	grown >/tmp/grown
	[ ! -s /tmp/grown ]
}
percpu_kept() { [ "$(percpu)" -le $((percpu_before + 64)) ]; }
references() { cat /sys/module/"$TARGET"/refcnt /sys/module/"$DRIVER"/refcnt /sys/module/virtio_scsi/refcnt; }
same_references() { [ "$(references)" = "$references_before" ]; }

cycle() {
	mode=$1
	# What is allocated once.
	maps 10 || die "no maps"
	echo 3 >/proc/sys/vm/drop_caches
	# Else a leak would be set off against what is freed meanwhile.
	settled_memory || die "the number of slab objects does not stop falling"
	kmalloc >/tmp/before
	percpu_before=$(percpu)
	references_before=$(references)
	check "$mode: $MAPS maps" maps "$MAPS"
	# Some of it is freed later.
	check "$mode: no memory was left behind" wait_for 20 no_growth
	cat /tmp/grown
	check "$mode: nor any of the processors' own" wait_for 20 percpu_kept
	check "$mode: nor a reference" same_references
}

load_paths
find_paths 3
load_target || die "no target"
cycle rq
cycle bio
check "target and drivers can be unloaded" eval "unload_target && rmmod $DRIVER && rmmod virtio_scsi"
finish
