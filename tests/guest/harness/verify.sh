#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What verified I/O must see when all is read back: an older write that lands over a newer one, a block in
# another's place, one that was corrupted from outside.
# topology: mpath
# timeout: 120
# tests: 10
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
set -eu
plan 10
require_cmd python3

BLOCK=16384

# finds TEXT DEVICE: the comparison fails, and says that.
finds() {
	! verify_compare "$2" >/tmp/said || return
	cat /tmp/said
	grep -q "$1" /tmp/said
}
block() { dd if="/dev/$1" bs=$BLOCK skip="$2" count=1 iflag=direct 2>/dev/null; }
put() { dd of="/dev/$1" bs=$BLOCK seek="$2" count=1 oflag=direct iflag=fullblock 2>/dev/null; }
# older: block 5 is no longer what it was.
older() { block "$disk1" 5 | cmp -s /tmp/old -; }
newer() { ! older; }

modprobe virtio_scsi
find_paths 2
# Two runs in the same place: of the first, one block is kept.
verify_start "/dev/$disk1" 1m
wait_for 60 has_moved "$disk1" "$(($(io_count "$disk1") + 400))" || die "no I/O"
check "nothing is wrong at first" verify_stop
check "nothing is wrong by the other path" verify_compare "/dev/$disk2"
block "$disk1" 5 >/tmp/old

verify_start "/dev/$disk1" 1m
wait_for 60 newer || die "block 5 is not written"
block "$disk1" 5 >/tmp/mid
wait_for 60 eval 'block "$disk1" 5 | cmp -s - /tmp/mid; [ $? = 1 ]' || die "block 5 is written once"
check "nothing is wrong after the second run" verify_stop
block "$disk1" 5 >/tmp/new
put "$disk2" 5 </tmp/mid
check "an older write of the run is seen" finds "block 5, byte 0 of $BLOCK: has write [0-9]* to block 5, must have" "/dev/$disk1"
put "$disk2" 5 </tmp/old
check "one of an earlier run is seen" finds "block 5, .* has other data" "/dev/$disk1"
put "$disk2" 5 </tmp/new
check "the restored block is right" verify_compare "/dev/$disk1"
put "$disk2" 6 </tmp/new
check "a block in another's place is seen" finds "block 6, .* has write [0-9]* to block 5" "/dev/$disk1"

# From outside, half a sector in the middle of a block.
check "QEMU corrupts a block" ctl io disk1 "write -q -P 90 $((9 * BLOCK + 8192)) 512"
check "the corruption is detected" finds "block 9, byte 8192 of $BLOCK" "/dev/$disk1"
check "the corruption is detected by the other path" finds "block 9, byte 8192 of $BLOCK" "/dev/$disk2"
finish
