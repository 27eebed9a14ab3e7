#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A scan that user space asks for: the firmware is asked again. Drives that were plugged in are found, those
# that are gone are forgotten, and only at the addresses that were asked for. The others work on.
# topology: gen2
# topology: gen1
# topology: gen2,use_jbod=on
# timeout: 300
# tests: 16
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
set -eu
plan 16
require_cmd fio sg_reset

# scan WORDS: by a task called dd, for failcall.
scan() { printf '%s' "$1" | dd of="/sys/class/scsi_host/$host/scan" 2>/tmp/scan; }
# plug ID: the second disk's medium in a new drive.
plug() {
	set -- "$1" '{"execute": "device_add", "arguments": {"driver": "scsi-hd", "id": "disk1", "bus": "hba0.0",'
	ctl qmp "$2 \"scsi-id\": $1, \"drive\": \"d1\", \"serial\": \"IRON0001\"}}" >/dev/null
}
unplug() { ctl device_del disk1 && ctl wait_deleted disk1 20; }
# has N, only the disk that stays, or also the other one.
has() { settle && disk_count "$1"; }
second() { disk_by_serial IRON0001; }
second_at() { [ "$(basename "$(readlink -f "/sys/block/$(second)/device")")" = "$1" ]; }
readable() { dd if="/dev/$1" of=/dev/null bs=64k count=4 iflag=direct 2>/dev/null; }
# Each scan succeeds or fails with EAGAIN or EIO; the disks stay in either case.
scans_under_resets() {
	while [ ! -e /tmp/stop ]; do sg_reset -H "/dev/$stays" >/dev/null 2>&1 || :; done &
	resets=$!
	scans=0
	while [ "$scans" -lt 30 ]; do
		scan "- - -" || grep -q 'temporarily unavailable\|Input/output error' /tmp/scan || return 1
		disk_count 2 || return 1
		scans=$((scans + 1))
	done
	: >/tmp/stop
	wait "$resets"
	[ "$(cat "/sys/class/scsi_host/$host/fw_resets")" -gt 0 ]
}

load_modules
wait_for 20 disk_count 2 || die "no disks"
settle
host=$(hosts)
stays=$(disk_by_serial IRON0000)
# host:channel:id:lun
address=$(basename "$(readlink -f "/sys/block/$stays/device")")
number=${address%%:*}
channel=${address#*:}
channel=${channel%%:*}
case $channel in
0) elsewhere=2 ;;
*) elsewhere=0 ;;
esac
fio --name=verify --filename="/dev/$stays" --rw=randrw --bs=16k --size=8m --iodepth=8 --ioengine=libaio \
	--direct=1 --verify=crc32c --verify_fatal=1 --loops=1000 --thread --output=/tmp/fio.out &
fio=$!

unplug
kmsg_mark
scan "$elsewhere - -"
check "a scan of another channel forgets nothing" has 2
scan "$channel 0 -"
check "nor does one of another drive" has 2
scan "$channel - -"
check "a scan forgets the drive that is gone" has 1
check "it was said once" [ "$(kmsg_since | grep -c 'logical and .* physical drives now')" = 1 ]

plug 5
scan "$elsewhere - -"
check "a scan of another channel finds nothing" has 1
scan "$channel 4 0"
check "nor does one of another id" has 1
scan "$channel 5 0"
check "a scan of its address finds a new drive" has 2
check "it is where it was plugged in" second_at "$number:$channel:5:0"
check "it can be read" readable "$(second)"

unplug
plug 1
scan "- - -"
check "a scan of all finds a drive that has moved" second_at "$number:$channel:1:0"
check "and forgets where it was" has 2

check "an address beyond the host is refused" eval "! scan '4 0 0' && grep -q 'Invalid argument' /tmp/scan"
# No memory for the second list.
insmod /ironpath/modules/failcall.ko function=bitmap_zalloc value=0 at=2 comm=dd
check "where a list cannot be read the scan fails" eval "! scan '- - -'"
rmmod failcall
check "and no drive is lost" has 2
kill -INT $fio
wait $fio || :
check "I/O to the drive that stayed went on, all verified" eval \
	"grep -q 'err= 0' /tmp/fio.out && ! grep -q 'verify: bad' /tmp/fio.out"
check "scans during resets lose no drive" scans_under_resets
finish
