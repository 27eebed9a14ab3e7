#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What people put on a map: partitions, LVM, ext4 and xfs. Paths are lost and return in the middle of a copy;
# the files are right afterwards, over each path alone; as requests and as bios.
# topology: mpath
# timeout: 420
# modules: dm_multipath dm_round_robin dm_queue_length dm_service_time xfs
# allow-log: I/O error, dev sd|Buffer I/O error on dev sd | paths are made to fail
# allow-log: rejecting I/O to offline device | paths are set offline under I/O
# tests: 41
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
set -eu
plan 41
require_cmd kpartx lvm mkfs.ext4 mkfs.xfs xfs_repair python3

SECTORS=1048576
# A filesystem on a partition, one on a logical volume.
PLACES="part data"
export LVM_SUPPRESS_FD_WARNINGS=1

# partition: two of them, of 95 MiB and 416 MiB (xfs is not made smaller than 300).
partition() {
	python3 -c '
import struct, sys
entry = lambda kind, start, count: struct.pack("<B3sB3sII", 0, b"\xff" * 3, kind, b"\xff" * 3, start, count)
table = entry(0x83, 2048, 194560) + entry(0x8e, 196608, 851968)
with open(sys.argv[1], "r+b") as disk:
    disk.seek(446)
    disk.write(table.ljust(64, b"\0") + b"\x55\xaa")' /dev/mapper/m
}

# Nothing but the map's partitions: never a path. There is no udev here, nor anybody to ask for events.
configure_lvm() {
	cat >/etc/lvm/lvm.conf <<-'END'
		devices {
			filter = [ "a|^/dev/mapper/m[12]$|", "r|.*|" ]
			use_devicesfile = 0
			obtain_device_list_from_udev = 0
		}
		backup {
			backup = 0
			archive = 0
		}
		activation {
			udev_sync = 0
			udev_rules = 0
			monitoring = 0
		}
	END
}

mount_all() { mount -t ext4 /dev/mapper/m1 /mnt/part && mount -t xfs /dev/mapper/vg-data /mnt/data; }
unmount_all() { umount /mnt/part && umount /mnt/data; }

# up, down: what lies on the map.
up() { kpartx -a /dev/mapper/m && vgchange -q -a y vg; }
down() { vgchange -q -a n vg && kpartx -d /dev/mapper/m; }

# make_tree: small files, and one that takes a while; others in each mode, whose disk still has the last ones.
make_tree() {
	mkdir -p /tmp/tree
	for number in $(seq 20); do
		head -c $((number * 1000)) /dev/urandom >"/tmp/tree/$number"
	done
	head -c 3145728 /dev/urandom >/tmp/tree/big
	sums /tmp/tree >/tmp/wanted
}
sums() { (cd "$1" && find . -type f -print0 | sort -z | xargs -0 sha256sum); }

# copies: the tree to each filesystem, again and again until it is told to end; each round is synced.
copies() {
	for round in $(seq 100); do
		for place in $PLACES; do
			rm -rf "/mnt/${place:?}/$((round % 2))"
			cp -a /tmp/tree "/mnt/$place/$((round % 2))" && sync -f "/mnt/$place" || return
		done
		echo "$round" >/tmp/rounds
		[ ! -e /tmp/enough ] || return 0
	done
}
rounds() { [ "$(cat /tmp/rounds)" -ge "$1" ]; }
copied() { ! kill -0 "$copier" 2>/dev/null; }
all_right() {
	for place in $PLACES; do
		for round in 0 1; do
			sums "/mnt/$place/$round" | cmp - /tmp/wanted || return
		done
	done
}
going() { kill -0 "$copier" && moves m; }

# lose_and_return DISK NUMBER WHAT: in the middle of a copy.
lose_and_return() {
	if [ "$3" = offline ]; then
		offline "$1"
	else
		map_message m fail_path "$2"
	fi
	check "$mode: $1 is lost by $3" wait_for 30 path_failed m "$2"
	check "$mode: the copy goes on" going
	[ "$3" != offline ] || running "$1"
	map_message m reinstate_path "$2"
	check "$mode: $1 returns" path_active m "$2"
	check "$mode: and is used" wait_for 60 has_moved "$1" "$(io_count "$1")"
}

cycle() {
	mode=$1
	features="2 queue_mode $mode"
	make_tree
	map_create m "0 $SECTORS multipath $features 0 1 1 round-robin 0 2 1 $first 1 $second 1"
	partition
	check "$mode: the map has partitions" eval "kpartx -a /dev/mapper/m && [ -b /dev/mapper/m2 ]"
	# The volume group of the mode before.
	dd if=/dev/zero of=/dev/mapper/m2 bs=1M count=1 conv=fsync 2>/dev/null
	check "$mode: LVM on one" eval "vgcreate -q -y vg /dev/mapper/m2 &&
		lvcreate -q -y -W n -Z n -L 320m -n data vg"
	mkfs.ext4 -q -F /dev/mapper/m1 || die "no filesystem"
	mkfs.xfs -q -f /dev/mapper/vg-data || die "no filesystem"
	check "$mode: ext4 and xfs are mounted" mount_all
	rm -f /tmp/enough
	echo 0 >/tmp/rounds
	copies &
	copier=$!
	going || die "no copy"
	lose_and_return "$disk1" "$first" fail_path
	lose_and_return "$disk2" "$second" offline
	lose_and_return "$disk1" "$first" offline
	wait_for 120 rounds 1 || die "no round"
	: >/tmp/enough
	wait_for 120 copied || die "the copy hangs"
	check "$mode: the copy ends well" wait "$copier"
	unmount_all
	check "$mode: ext4 is clean" fsck.ext4 -fn /dev/mapper/m1
	check "$mode: xfs is clean" xfs_repair -n /dev/mapper/vg-data
	down
	map_remove m
	for path in $first $second; do
		map_create m "0 $SECTORS multipath $features 0 1 1 round-robin 0 1 1 $path 1"
		echo 3 >/proc/sys/vm/drop_caches
		up && mount_all || die "no filesystem over $path alone"
		check "$mode: the files are right over $path alone" all_right
		unmount_all && down && map_remove m || die "it does not come to its end"
	done
}

load_paths
find_paths 3
load_target || die "no target"
modprobe xfs
configure_lvm
for place in $PLACES; do
	mkdir -p "/mnt/$place"
done

cycle rq
cycle bio
check "the target can be unloaded" unload_target
finish
