#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A medium error of the disk reaches the application as EIO, for the right sectors only.
# topology: blkdebug
# topology: blkdebug,msix=off,msi=off
# timeout: 90
# allow-log: critical medium error, dev sd|Buffer I/O error on dev sd | a sector is made unreadable
# tests: 13
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
set -eu
plan 13

# scsi-hd reports ENODATA as a medium error.
ENODATA=61
# Exit status of sg_raw for it, sg3_utils(8).
MEDIUM_ERROR=3

read_sectors() { dd if="/dev/$disk" of=/dev/null bs=512 skip="$1" count="$2" "${3:-iflag=direct}" 2>&1; }
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
exits() {
	wanted=$1
	shift
	found=0
	"$@" || found=$?
	[ "$found" = "$wanted" ]
}

load_modules
wait_for 20 disk_count 2 || die "no disks"
settle
disk=$(disk_by_serial IRON0000)
other=$(disk_by_serial IRON0001)

# A command that error handling sends itself, such as REQUEST SENSE for sense data that did not come.
tracing=/sys/kernel/tracing
mountpoint -q $tracing || mount -t tracefs none $tracing
echo 'p:error_handling scsi_eh_prep_cmnd' >>$tracing/kprobe_events
echo 1 >$tracing/events/kprobes/error_handling/enable

ctl inject disk0 read 2048 $ENODATA
kmsg_mark
# A direct read has the block layer's own error for a medium error, through the page cache it is EIO.
check "a direct read of the bad sector is ENODATA" fails_with "No data available" read_sectors 2048 1
check "the log has the sense key" wait_for 5 kmsg_has 'Sense Key : Medium Error'
check "the log has the sector" wait_for 5 kmsg_has "medium error, dev $disk, sector 2048 "
check "the sector before it is good" read_sectors 2047 1
check "the sector behind it is good" read_sectors 2049 1
check "so is a large one over it" fails_with "No data available" read_sectors 2000 128
check "a read through the page cache is EIO" \
	fails_with "Input/output error" read_sectors 2048 1 iflag=fullblock
# READ(10) with FUA goes as it is, not as a block command of the firmware.
check "with FUA it is a medium error too" exits $MEDIUM_ERROR \
	sg_raw -r 512 "/dev/$disk" 28 08 00 00 08 00 00 00 01 00
check "the other disk's sector is good" dd if="/dev/$other" of=/dev/null bs=512 skip=2048 count=1 iflag=direct
check "writing the bad sector is good" dd if=/dev/zero of="/dev/$disk" bs=512 seek=2048 count=1 oflag=direct
ctl heal disk0
check "healed, all of it is good" read_sectors 2000 128
check "error handling had nothing to ask for: the sense came with the answer" \
	[ "$(awk '$1 == "error_handling" { print $2 }' $tracing/kprobe_profile)" = 0 ]
check "no host had to be reset" [ "$(cat "/sys/class/scsi_host/$(hosts)/fw_resets")" = 0 ]
finish
