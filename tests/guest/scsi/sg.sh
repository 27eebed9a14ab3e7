#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# SCSI commands of user space reach the disk and come back with its answer, bad ones with its sense.
# topology: gen2
# topology: gen2,use_jbod=on
# topology: gen1
# timeout: 90
# tests: 14
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
set -eu
plan 14
require_cmd sg_turs sg_sync sg_inq sg_readcap sg_raw

# Exit statuses of sg3_utils, sg3_utils(8).
ILLEGAL_REQUEST=5
INVALID_OPCODE=9
OUT_OF_RANGE=22
OTHER_ERROR=99

exits() {
	wanted=$1
	shift
	found=0
	"$@" || found=$?
	[ "$found" = "$wanted" ]
}

quiet() { ! kmsg_has 'aborted|drive [0-9]+ reset|host reset'; }

load_modules
wait_for 20 disk_count 2 || wait_for 1 disk_count 1 || die "no disks"
settle
disk=$(disk_by_serial IRON0000)
dev=/dev/$disk

kmsg_mark
check "TEST UNIT READY is good" sg_turs -v "$dev"
check "and stays good" sg_turs -n 20 "$dev"
check "SYNCHRONIZE CACHE is good" sg_sync "$dev"
check "INQUIRY has the vendor" sh -c "sg_inq '$dev' | grep -q 'Vendor identification: QEMU'"
check "the serial number page is right" sh -c "sg_inq -p 0x80 '$dev' | grep -q IRON0000"
check "an INQUIRY with a larger buffer is whole" \
	sh -c "sg_raw -b -r 4096 '$dev' 12 00 00 10 00 00 | dd bs=1 skip=8 count=4 2>/dev/null | grep -q QEMU"
blocks=$(cat "/sys/block/$disk/size")
check "READ CAPACITY(10) is right" \
	sh -c "sg_readcap '$dev' | grep -q 'Number of logical blocks=$blocks'"
check "READ CAPACITY(16) is right" \
	sh -c "sg_readcap --16 '$dev' | grep -q 'Number of logical blocks=$blocks'"

check "an unknown operation code is an illegal request" exits $INVALID_OPCODE \
	sg_raw "$dev" c1 00 00 00 00 00
# READ(10) behind the end of the disk; MODE SENSE(6) of a page that is not there.
check "an address out of range is an illegal request" exits $OUT_OF_RANGE \
	sg_raw -r 512 "$dev" 28 00 7f ff ff ff 00 00 01 00
check "a bad field is an illegal request" exits $ILLEGAL_REQUEST \
	sg_raw -r 64 "$dev" 1a 00 3e 00 40 00
# By the host, and not by a disk that was sent a part of it.
check "a CDB of 32 bytes is refused" exits $OTHER_ERROR \
	sg_raw -r 512 "$dev" 7f 00 00 00 00 00 00 18 00 09 00 00 00 00 00 00 \
	00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01
check "no step of error handling was needed" quiet
check "the disk still works" dd if="$dev" of=/dev/null bs=64k count=4 iflag=direct
finish
