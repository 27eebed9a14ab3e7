#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What an error says of the path that it came over: a medium error is the disk's, and no path fails for it; other
# errors fail their path, and the I/O goes to another one. As requests and as bios.
# topology: mpath-debug
# modules: scsi_debug
# timeout: 200
# allow-log: critical medium error, dev|critical target error, dev (sd|dm-)|Buffer I/O error on dev dm- | the disk is made to answer so
# allow-log: I/O error, dev sd|recoverable transport error, dev sd | one path is made to answer so
# tests: 35
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
# shellcheck source=tests/guest/mpath/lib.sh
. /ironpath/mpath.sh
set -eu
plan 35

SECTORS=1048576
# scsi-hd reports ENODATA as a medium error.
ENODATA=61

read_sectors() { dd if=/dev/mapper/m of=/dev/null bs=512 skip="$1" count="$2" "${3:-iflag=direct}" 2>&1; }
write_sectors() { dd if=/dev/zero of=/dev/mapper/m bs=4k seek="$1" count="$2" oflag=direct 2>&1; }
# fails_with MESSAGE COMMAND...
fails_with() {
	message=$1
	shift
	if answer=$("$@"); then
		return 1
	fi
	echo "$answer"
	case $answer in
	*"$message"*) ;;
	*) return 1 ;;
	esac
}
table() { echo "0 $1 multipath 3 queue_if_no_path queue_mode $2 0 1 1 round-robin 0 2 1 $3 1 $4 1"; }

# The only path leads to a bad sector.
medium() {
	mode=$1
	ctl inject disk0 read 2048 $ENODATA
	map_create m "0 $SECTORS multipath 3 queue_if_no_path queue_mode $mode 0 1 1 round-robin 0 1 1 $first 1"
	check "$mode: a medium error reaches the reader" fails_with "No data available" read_sectors 2048 1
	check "$mode: through the page cache the reader gets EIO" \
		fails_with "Input/output error" read_sectors 2048 1 iflag=fullblock
	check "$mode: so it does in a large read" fails_with "No data available" read_sectors 2000 128
	check "$mode: the sectors beside it are good" read_sectors 2049 64
	check "$mode: no path has failed for it" eval "map_info m | grep -q ' $first A 0 '"
	ctl heal disk0
	check "$mode: healed, all of it is good" read_sectors 2000 128
	map_remove m
}

# ends OPCODE HOST STATUS SENSE ASC ASCQ: so such commands end on the first path, in numbers of the SCSI
# mid-layer. ends_well OPCODE: they do not any more.
ends() {
	ends_opcode=$1 ends_host=$2
	shift 2
	echo "2 -1000000 $ends_opcode $ends_host 0 $*" >"$(error_file)"
}
ends_well() { echo "- 2 $1" >"$(error_file)"; }
error_file() { echo "/sys/kernel/debug/scsi_debug/$(basename "$(readlink -f "/sys/block/$silent/device")")/error"; }

# answers_errors MODE: one path aborts all reads, which its own driver tries again in vain.
answers_errors() {
	mode=$1
	number=$(number_of "$silent")
	map_create m "$(table $DEBUG_SECTORS "$mode" "$number" "$(number_of "$other")")"
	kmsg_mark
	ends $READ10 0 0x2 0xb 0 0
	check "$mode: reads are good while a path aborts them" read_sectors 0 64
	check "$mode: every read succeeds" read_sectors 64 64
	check "$mode: that path has failed" path_failed m "$number"
	check "$mode: it has failed once" [ "$(kmsg_since | grep -c "Failing path $number")" = 1 ]
	map_message m reinstate_path "$number"
	check "$mode: reinstated too early, it fails again" \
		eval "read_sectors 0 64 && read_sectors 64 64 && path_failed m $number"
	ends_well $READ10
	map_message m reinstate_path "$number"
	check "$mode: reinstated when it works, it stays active" \
		eval "read_sectors 0 64 && read_sectors 64 64 && failed_paths m 0"
	map_remove m
}

# one_answer NAME VERDICT HOST STATUS SENSE ASC ASCQ: what the map makes of it if writes end so on one path.
one_answer() {
	name=$1 verdict=$2
	shift 2
	number=$(number_of "$silent")
	map_create m "$(table "$DEBUG_SECTORS" "$mode" "$number" "$(number_of "$other")")"
	ends $WRITE10 "$@"
	result=good
	# Four, one by one: each path gets some.
	write_sectors 0 4 || result=error
	ends_well $WRITE10
	case $verdict in
	path) check "$mode: $name fails its path" \
		eval "[ $result = good ] && path_failed m $number && failed_paths m 1" ;;
	*) check "$mode: $name is returned to the writer" eval "[ $result = error ] && failed_paths m 0" ;;
	esac
	map_remove m
}

answers() {
	mode=$1
	one_answer "a transport that fails fast" path 0xf 0 0 0 0
	one_answer "a device that is not there" path 0x1 0 0 0 0
	one_answer "a unit that is not ready" path 0 0x2 0x2 0x4 0x3
	one_answer "a medium error" writer 0 0x2 0x3 0x11 0
	one_answer "a write protection" writer 0 0x2 0x7 0x27 0
}

modprobe virtio_scsi
find_paths 2
load_target || die "no target"
debug_paths || die "no disks"
for mode in rq bio; do
	medium $mode
	answers_errors $mode
	answers $mode
done
check "the target can be unloaded" unload_target
finish
