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
# shellcheck source=tests/guest/scsi/lib.sh
. /ironpath/scsi.sh
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
load_modules scmd_timeout=5
wait_for 20 disk_count 2 || die "no disks"
settle
disk=$(disk_by_serial IRON0000)
host=$(hosts)
find_memory

reads "$disk" &
reader=$!
wait_for 20 started "$disk" || die "no I/O"
kmsg_mark
# An absent device reads as ones.
cover 0xffffffff
check "its registers read as ones" eval "grep -Fq '[b0]: ffffffff' /sys/class/scsi_host/$host/dump_system_regs"
check "I/O ends" wait_for 60 ended "$reader"
check "the driver noticed" kmsg_has 'the device no longer responds'
check "no reset was tried" [ "$(cat "/sys/class/scsi_host/$host/fw_resets")" = 0 ]
# Without the disk dd ends with 1; timeout ends with 124.
status=0
timeout 10 dd if="/dev/$disk" of=/dev/null bs=4k count=1 iflag=direct || status=$?
check "a new command fails at once" [ $status = 1 ]
check "the modules can be unloaded" wait_for 30 unload_modules
# It comes back: the next probe finds it.
uncover
load_modules
check "plugged in again it works" wait_for 20 disk_count 2
finish
