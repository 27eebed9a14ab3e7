#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Discards and write-zeroes through a map do what they say to these sectors only, as QEMU finds them on the
# disk; they go on where a path fails under them, and leave a map alone whose paths cannot do them: as requests
# and as bios.
# topology: mpath
# timeout: 600
# modules: dm_multipath dm_round_robin dm_queue_length dm_service_time scsi_debug
# allow-log: recoverable transport error, dev sd | a path is made to fail
# allow-log: I/O error, dev dm-|Buffer I/O error on dev dm- | I/O of a map without paths is to fail
# tests: 38
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
# shellcheck source=tests/guest/mpath/lib.sh
. /ironpath/mpath.sh
set -eu
plan 38
require_cmd blkdiscard

SECTORS=1048576
UNIT=65536
MAP=/dev/mapper/m

# In units of 64 KiB: fill DEVICE COUNT, discard FIRST COUNT, zero FIRST COUNT.
pattern() { head -c $(($1 * UNIT)) /dev/zero | tr '\0' 'x'; }
fill() { pattern "$2" | dd of="$1" bs=64k iflag=fullblock oflag=direct 2>/dev/null; }
discard() { blkdiscard -o $(($1 * UNIT)) -l $(($2 * UNIT)) $MAP; }
zero() { blkdiscard -z -o $(($1 * UNIT)) -l $(($2 * UNIT)) $MAP; }

# is_data FIRST COUNT, is_zero FIRST COUNT: that is what QEMU's image of the disk has there.
is_data() { outside x "$@"; }
is_zero() { outside '\0' "$@"; }
outside() {
	[ "$(ctl sha256 disk1 $(($2 * UNIT)) $(($3 * UNIT)))" = "$(pattern "$3" | tr x "$1" | sha256sum | cut -d ' ' -f 1)" ]
}
# on DEVICE WANTED FIRST COUNT: the same, of a disk that is not QEMU's.
on() {
	[ "$(dd if="$1" bs=64k skip="$3" count="$4" iflag=direct 2>/dev/null | sha256sum)" = \
		"$(pattern "$4" | tr x "$2" | sha256sum)" ]
}

# unmapped: so many units QEMU has discarded, over all paths.
unmapped() { echo $((($(ctl stat disk0 unmap_bytes) + $(ctl stat disk1 unmap_bytes) + $(ctl stat disk2 unmap_bytes)) / UNIT)); }

cycle() {
	mode=$1
	map_create m "0 $SECTORS multipath 2 queue_mode $mode 0 1 1 round-robin 0 3 1 $first 1 $second 1 $third 1"
	fill $MAP 96
	is_data 0 96 || die "what was written is not there"
	before=$(unmapped)
	check "$mode: a range is discarded" discard 8 8
	check "$mode: QEMU has discarded it" [ "$(unmapped)" = $((before + 8)) ]
	check "$mode: it is zeros" is_zero 8 8
	check "$mode: what lies before is as it was" is_data 0 8
	check "$mode: what lies behind is as it was" is_data 16 80
	check "$mode: a range is zeroed" zero 24 8
	check "$mode: it is zeros" is_zero 24 8
	check "$mode: what lies around is as it was" eval "is_data 16 8 && is_data 32 64"

	# Again and again, while paths come and go; every second unit.
	fill $MAP 96
	(for unit in $(seq 0 2 94); do
		case $((unit % 4)) in
		0) discard "$unit" 1 || exit ;;
		*) zero "$unit" 1 || exit ;;
		esac
		echo "$unit" >/tmp/unit
	done) &
	worker=$!
	for lost in $disk1 $disk2 $disk3; do
		from=$(unit)
		wait_for 30 beyond "$from" || break
		map_message m fail_path "$(number_of "$lost")"
		wait_for 30 beyond "$(unit)" || break
		map_message m reinstate_path "$(number_of "$lost")"
	done
	check "$mode: paths come and go under discards and zeroes" wait "$worker"
	for unit in $(seq 0 2 94); do
		cat /tmp/pair
	done | sha256sum | cut -d ' ' -f 1 >/tmp/wanted
	check "$mode: each unit has the expected contents" [ "$(ctl sha256 disk1 0 $((96 * UNIT)))" = "$(cat /tmp/wanted)" ]
	map_message m fail_path "$first"
	map_message m fail_path "$second"
	map_message m fail_path "$third"
	check "$mode: without paths a discard is an error" eval "! discard 1 1 2>/dev/null"
	check "$mode: without paths write-zeroes is an error" eval "! zero 1 1 2>/dev/null"
	check "$mode: the data have not changed" is_data 1 1
	map_remove m
}
unit() { cat /tmp/unit 2>/dev/null || echo 0; }
beyond() { [ "$(unit)" -gt "$1" ] || ended "$worker"; }

# lost MODE: a path loses them: the one that all go to while it is there.
lost() {
	mode=$1
	map_create m "0 $DEBUG_SECTORS multipath 2 queue_mode $mode 0 2 1 round-robin 0 1 1 $silent_number 1 round-robin 0 1 1 $other_number 1"
	fill $MAP 64
	loses "$silent" $UNMAP $WRITE_SAME10 $WRITE_SAME16
	check "$mode: a discard is lost with its path" eval "discard 8 8 && path_failed m $silent_number"
	check "$mode: the discard was done over the other path" on "/dev/$other" '\0' 8 8
	map_message m reinstate_path "$silent_number"
	map_message m switch_group 1
	check "$mode: zeroes are lost with their path" eval "zero 24 8 && path_failed m $silent_number"
	check "$mode: the write-zeroes were done over the other path" on "/dev/$other" '\0' 24 8
	check "$mode: no other unit was zeroed" eval "on /dev/$other x 0 8 && on /dev/$other x 16 8 && on /dev/$other x 32 32"
	delivers "$silent" $UNMAP $WRITE_SAME10 $WRITE_SAME16
	map_remove m
}

# A unit that was zeroed, and one that was not.
{ head -c $UNIT /dev/zero && pattern 1; } >/tmp/pair
load_paths
find_paths 3
load_target || die "no target"
cycle rq
cycle bio

debug_paths lbpu=1 lbpws=1 || die "no disks"
silent_number=$(number_of "$silent")
other_number=$(number_of "$other")
lost rq
lost bio
rmmod scsi_debug

# Paths of which one has no discard: the map has none, and says so.
debug_paths || die "no disks"
map_create m "0 $DEBUG_SECTORS multipath 0 0 1 1 round-robin 0 1 1 $(number_of "$silent") 1"
fill $MAP 4
check "where paths have no discard, it is refused" eval "! discard 0 1 2>/tmp/answer && grep -q 'not supported' /tmp/answer"
map_remove m
check "the target can be unloaded" unload_target
finish
