#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Discarded and zeroed sectors read as zeros, and only those.
# topology: gen2
# timeout: 90
# tests: 6
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
set -eu
plan 6
require_cmd blkdiscard sg_write_same

# In units of 64 KiB.
read_units() { dd if="/dev/$disk" bs=64k skip="$1" count="$2" iflag=direct 2>/dev/null; }
is_zero() { [ "$(read_units "$1" "$2" | sha256sum)" = "$(head -c $(($2 * 65536)) /dev/zero | sha256sum)" ]; }
is_data() { [ "$(read_units "$1" "$2" | sha256sum)" = "$(pattern "$2" | sha256sum)" ]; }
pattern() { head -c $(($1 * 65536)) /dev/zero | tr '\0' 'x'; }

load_modules
wait_for 20 disk_count 2 || die "no disks"
settle
disk=$(disk_by_serial IRON0000)
pattern 64 | dd of="/dev/$disk" bs=64k iflag=fullblock oflag=direct 2>/dev/null
is_data 0 64 || die "what was written does not come back"

if [ "$(cat "/sys/block/$disk/queue/discard_max_bytes")" = 0 ]; then
	skip "a range is discarded" "the disk has no UNMAP"
	skip "it reads as zeros" "the disk has no UNMAP"
else
	check "a range is discarded" blkdiscard -o $((8 * 65536)) -l $((8 * 65536)) "/dev/$disk"
	check "it reads as zeros" is_zero 8 8
fi
# WRITE SAME(16) of a block of zeros, 128 sectors.
check "WRITE SAME is good" sg_write_same --16 --lba=$((32 * 128)) --num=128 "/dev/$disk"
check "it reads as zeros" is_zero 32 1
check "what lies before is as it was" is_data 0 8
check "what lies behind is as it was" is_data 33 31
finish
