#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Random reads and writes are verified, small and large, one at a time and many, on two disks at once.
# topology: gen2
# topology: gen1,msix=off,msi=off
# timeout: 180
# tests: 8
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
set -eu
plan 8
require_cmd fio

load_modules
wait_for 20 disk_count 2 || die "no disks"
settle
first=$(disk_by_serial IRON0000)
second=$(disk_by_serial IRON0001)

# verified BLOCK DEPTH SIZE: what was written at random is read back and compared, on both disks.
verified() {
	fio --output-format=terse --ioengine=libaio --direct=1 --thread --rw=randrw \
		--verify=crc32c --verify_fatal=1 --do_verify=1 --randseed="$2" \
		--bs="$1" --iodepth="$2" --size="$3" \
		--name=first --filename="/dev/$first" --name=second --filename="/dev/$second"
}

check "512 B, depth 1" verified 512 1 128k
check "512 B, depth 64" verified 512 64 256k
check "4 KiB, depth 32" verified 4k 32 4m
check "12 KiB, depth 7" verified 12k 7 3m
check "64 KiB, depth 16" verified 64k 16 16m
check "256 KiB, depth 64" verified 256k 64 32m
check "1 MiB, depth 1" verified 1m 1 16m
check "1 MiB, depth 64" verified 1m 64 96m
finish
