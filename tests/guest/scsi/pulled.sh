#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A controller stops answering under I/O, as one does that is pulled out without a word: its registers read
# as ones. The commands end in errors, the driver goes, and nothing hangs.
# topology: pulled
# timeout: 120
# allow-log: (I/O|device offline) error, dev sd|Buffer I/O error on dev sd | the controller is pulled under I/O
# allow-log: rejecting I/O to (offline|dead) device | the controller is pulled under I/O
# tests: 7
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
set -eu
plan 7
require_cmd python3

reads() {
	while dd if="/dev/$1" of=/dev/null bs=64k count=64 iflag=direct 2>/dev/null; do
		: >"/tmp/reads-$1"
	done
}
started() { [ -e "/tmp/reads-$1" ]; }
ended() { ! kill -0 "$1" 2>/dev/null; }
# config FUNCTION OFFSET WORD: writes a word of a function's configuration space.
config() {
	printf "\\$(printf %o $(($3 & 255)))\\$(printf %o $(($3 >> 8 & 255)))\\$(printf %o $(($3 >> 16 & 255)))\\$(printf %o $(($3 >> 24 & 255)))" |
		dd of="$1/config" bs=4 seek=$(($2 / 4)) conv=notrunc 2>/dev/null
}
# start_of FUNCTION BAR: its address.
start_of() { awk -v line="$2" 'NR == line + 1 { print $1 }' "$1/resource"; }
# The command register; 2: the function answers to memory accesses, 4: it may write to memory.
COMMAND=4
# The registers of the emulated device are at 16 KiB; an absent device reads as ones, so its place is taken
# by memory that holds ones where the status is.
OSP0=0xb0
pull() {
	start=$(start_of "$function" 1)
	python3 -c 'import mmap, sys
at = int(sys.argv[2], 0)
file = open(sys.argv[1], "r+b")
mmap.mmap(file.fileno(), 16384)[at:at + 4] = b"\xff" * 4
' "$memory/resource2" $OSP0
	config "$function" $COMMAND 0
	config "$memory" $COMMAND 0
	config "$memory" 24 "$((start))"
	config "$memory" 28 0
	config "$memory" $COMMAND 2
}
plug() {
	config "$memory" $COMMAND 0
	config "$function" $COMMAND 6
}

load_modules scmd_timeout=5
wait_for 20 disk_count 2 || die "no disks"
settle
disk=$(disk_by_serial IRON0000)
host=$(hosts)
device=$(readlink -f "/sys/block/$disk/device")
function=${device%/host*}
memory=$(dirname "$(grep -l 0x1110 /sys/bus/pci/devices/*/device)")
config "$memory" $COMMAND 2

reads "$disk" &
reader=$!
wait_for 20 started "$disk" || die "no I/O"
kmsg_mark
pull
check "its registers read as ones" eval "grep -Fq '[b0]: ffffffff' /sys/class/scsi_host/$host/dump_system_regs"
check "I/O ends" wait_for 60 ended "$reader"
check "the driver noticed" kmsg_has 'does not answer any more'
check "no reset was tried" [ "$(cat "/sys/class/scsi_host/$host/fw_resets")" = 0 ]
# Without the disk dd ends with 1; timeout ends with 124.
status=0
timeout 10 dd if="/dev/$disk" of=/dev/null bs=4k count=1 iflag=direct || status=$?
check "a new command fails at once" [ $status = 1 ]
check "the modules can be unloaded" wait_for 30 unload_modules
# It comes back: the next probe finds it.
plug
load_modules
check "plugged in again it works" wait_for 20 disk_count 2
finish
