#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A map's limits, features and integrity profile follow from its paths, whatever these are: all that sysfs says
# of its queue, as requests and as bios, beside that of the stock dm-multipath over the same paths.
# topology: mpath
# timeout: 600
# modules: dm_multipath dm_round_robin dm_queue_length dm_service_time scsi_debug null_blk
# tests: 28
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
# shellcheck source=tests/guest/mpath/lib.sh
. /ironpath/mpath.sh
set -eu
plan 28

NULL=/sys/kernel/config/nullb

# table DISK...: a map of them that is as large as the smallest.
table() {
	table_paths="" table_size=""
	for table_disk; do
		read -r table_number <"/sys/block/$table_disk/dev"
		table_paths="$table_paths $table_number 1"
		read -r table_here <"/sys/block/$table_disk/size"
		[ -n "$table_size" ] && [ "$table_size" -le "$table_here" ] || table_size=$table_here
	done
	echo "0 $table_size multipath 2 queue_mode $mode 0 1 1 round-robin 0 $# 1$table_paths"
}

# show WHAT: all that sysfs says of the map's queue.
show() {
	echo "== $mode: $1"
	(cd /sys/block/dm-0 &&
		grep -r -s . queue integrity ro size alignment_offset discard_alignment removable range capability | sort)
}

# limits WHAT DISK...: of a map of these disks, in both modes.
limits() {
	limits_what=$1
	shift
	for mode in rq bio; do
		if dmsetup create --noudevsync m --table "$(table "$@")" 2>/tmp/answer; then
			show "$limits_what"
			dmsetup remove --noudevsync m
		else
			echo "== $mode: $limits_what"
			grep -o "failed: .*" /tmp/answer || cat /tmp/answer
		fi
	done
}

# debug WHAT PARAMETER=VALUE...: of a map of two disks of scsi_debug that is loaded so.
debug() {
	debug_what=$1
	shift
	debug_paths "$@" || die "no disks: $*"
	limits "$debug_what" "$silent" "$other"
	rmmod scsi_debug
}

# null NAME SETTING=VALUE...: a disk of null_blk.
null() {
	null_name=$1
	shift
	mkdir "$NULL/$null_name"
	for null_setting in size=64 queue_mode=2 "$@"; do
		echo "${null_setting#*=}" >"$NULL/$null_name/${null_setting%%=*}" || die "null_blk has no $null_setting"
	done
	echo 1 >"$NULL/$null_name/power"
}

reloads() {
	for mode in rq bio; do
		map_create m "$(table "$disk1" "$disk2")"
		show "two of three paths"
		map_reload m "$(table plain)"
		show "reloaded with a path that has other limits"
		map_reload m "$(table plain small)"
		show "reloaded with one that has smaller ones besides"
		map_reload m "$(table "$disk2" "$disk3")"
		show "reloaded with others again"
		map_message m fail_path "$(number_of "$disk2")"
		dmsetup suspend --noudevsync m
		dmsetup resume --noudevsync m
		show "a path has failed"
		map_remove m
	done
}

run() {
	TARGET=$1
	load_target || die "no target $1"
	all >"/tmp/limits.$1"
	unload_target
}

all() {
	limits "virtio-scsi" "$on_virtio" "$on_virtio2"
	limits "MegaRAID and virtio-scsi" "$on_megasas" "$on_virtio"
	limits "virtio-scsi and MegaRAID" "$on_virtio" "$on_megasas"
	limits "null_blk" plain
	limits "null_blk with and without a cache, FUA and discard" plain cached
	limits "null_blk, small and large I/O" plain small
	limits "null_blk, blocks of 512 and of 4096 bytes" plain large
	limits "null_blk and virtio-scsi" plain "$on_virtio"
	debug "scsi_debug"
	debug "blocks of 4096 bytes, UNMAP" sector_size=4096 opt_blks=64 lbpu=1 unmap_granularity=16 \
		unmap_alignment=4 unmap_max_blocks=2048
	debug "protection information of type 3, WRITE SAME" dif=3 dix=1 guard=1 lbpws=1 write_same_length=4096
	debug "atomic writes, unaligned blocks" atomic_wr=1 atomic_wr_max_length=64 atomic_wr_gran=8 physblk_exp=3 \
		lowest_aligned=7 opt_xferlen_exp=6
	debug "zones" zbc=host-managed zone_size_mb=4
	debug_paths dif=1 dix=1 lbpu=1 || die "no disks"
	limits "protection information of type 1" "$silent" "$other"
	limits "with and without protection information" "$silent" "$on_virtio"
	rmmod scsi_debug
	reloads
}

section() { awk -v what="== $2" '/^==/ { here = $0 == what } here' "/tmp/limits.$1"; }
# same WHAT: the stock target says this in both modes, and rmpath the same.
same() {
	for mode in rq bio; do
		section dm_multipath "$mode: $1" >/tmp/stock
		section rmpath "$mode: $1" >/tmp/own
		[ "$(wc -l </tmp/stock)" -ge "${2:-40}" ] && diff -U 0 /tmp/stock /tmp/own || return
	done
}
# has WHAT REGEX: both modes have such a line.
has() {
	for mode in rq bio; do
		section rmpath "$mode: $1" | grep -Eq "$2" || return
	done
}

load_paths
find_paths 3
# shellcheck disable=SC2046 # words
set -- $(disks_of virtio_scsi)
on_virtio=$1 on_virtio2=$2
on_megasas=$(disks)
on_megasas=${on_megasas%% *}
modprobe null_blk nr_devices=0
mountpoint -q /sys/kernel/config || mount -t configfs configfs /sys/kernel/config
null plain
null cached cache_size=16 fua=1 discard=1 memory_backed=1
null small max_sectors=64 rotational=1 virt_boundary=1
null large blocksize=4096

run dm_multipath
run rmpath
cat /tmp/limits.rmpath
sed -n 's/^== rq: //p' /tmp/limits.rmpath >/tmp/all
while read -r what; do
	case $what in
	zones) check "$what: refused as by the stock target" same "$what" 2 ;;
	*) check "$what: as of the stock target" same "$what" ;;
	esac
done </tmp/all
check "all were compared" [ "$(wc -l </tmp/all)" = 20 ]
# They are not all the same.
check "flushes, FUA and discards" eval 'has "virtio-scsi" "queue/write_cache:write back" &&
	has "virtio-scsi" "queue/fua:1" && has "virtio-scsi" "queue/discard_max_bytes:[1-9]" &&
	has "virtio-scsi" "queue/write_zeroes_max_bytes:[1-9]" && has "null_blk" "queue/write_cache:write through"'
check "the smallest I/O of all paths, from a reload on" eval 'has "null_blk" "queue/max_hw_sectors_kb:127" &&
	has "null_blk, small and large I/O" "queue/max_hw_sectors_kb:32$" &&
	has "reloaded with one that has smaller ones besides" "queue/max_hw_sectors_kb:32$"'
check "the largest blocks of all paths" has "null_blk, blocks of 512 and of 4096 bytes" "queue/logical_block_size:4096"
check "atomic writes" has "atomic writes, unaligned blocks" "queue/atomic_write_max_bytes:32768"
check "protection information" eval 'has "protection information of type 1" "integrity/format:T10-DIF-TYPE1-CRC" &&
	has "protection information of type 3, WRITE SAME" "integrity/format:T10-DIF-TYPE3-IP"'
check "no protection information where a path has none" has "with and without protection information" "integrity/format:none"
check "the target can be unloaded" [ ! -d /sys/module/rmpath ]
finish
