#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A controller whose firmware does not come back is given up after three attempts: every command is answered,
# its disks go offline, nothing hangs, and the driver can be unbound. Once the firmware is well, it works.
# topology: pulled
# timeout: 420
# allow-log: (I/O|device offline) error, dev sd|Buffer I/O error on dev sd | the controller is given up under I/O
# allow-log: rejecting I/O to (offline|dead) device|Device offlined | the controller is given up under I/O
# allow-log: the adapter is dead | that is what is tested
# tests: 20
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
# shellcheck source=tests/guest/scsi/lib.sh
. /ironpath/scsi.sh
set -eu
plan 20
require_cmd python3 sg_reset

# readers: two for each disk, each until an error.
readers() {
	pids=
	rm -f /tmp/reads-*
	for disk in "$first" "$second" "$first" "$second"; do
		while dd if="/dev/$disk" of=/dev/null bs=64k count=16 iflag=direct 2>/dev/null; do
			: >"/tmp/reads-$disk"
		done &
		pids="$pids $!"
	done
	wait_for 30 started || die "no I/O"
}
started() { [ -e "/tmp/reads-$first" ] && [ -e "/tmp/reads-$second" ]; }
ended() {
	for pid in $pids; do
		! kill -0 "$pid" 2>/dev/null || return 1
	done
}
attribute() { cat "/sys/class/scsi_host/$host/$1"; }
# refuses DISK: a read ends at once, and in an error (dd's exit status 1; 124 is `timeout` which ended it).
refuses() {
	refused=0
	timeout 10 dd if="/dev/$1" of=/dev/null bs=4k count=1 iflag=direct 2>/dev/null || refused=$?
	[ "$refused" = 1 ]
}
attempts() { kmsg_since | grep -c 'Waiting for FW to come to ready state'; }
found() {
	wait_for 20 disk_count 2 || die "no disks"
	settle
	host=$(hosts)
	first=$(disk_by_serial IRON0000)
	second=$(disk_by_serial IRON0001)
}
unbound() { [ ! -e "/sys/bus/pci/drivers/$DRIVER/$(basename "$function")" ]; }

find_memory
trace_start megasas_init_firmware megasas_unhandled_frame_cmd megasas_handle_dcmd
load_modules
found

# The firmware comes to READY, but refuses its queues. (INIT is the frame with command 0.)
readers
insmod /ironpath/modules/failframe.ko command=0
kmsg_mark
trace_mark
if sg_reset -N -H "/dev/$first"; then
	fail "the reset fails"
else
	pass "the reset fails"
fi
check "QEMU: three times it refused queues, and never had any" eval \
	"traced 3 megasas_unhandled_frame_cmd && traced 0 megasas_init_firmware"
rmmod failframe
check "every command is answered" wait_for 20 ended
check "the adapter is dead" kmsg_has 'the adapter is dead'
check "nothing is outstanding" [ "$(attribute fw_cmds_outstanding)" = 0 ]
check "a new command fails at once" refuses "$first"
check "so does one to the other disk" refuses "$second"
trace_mark
check "the modules can be unloaded" wait_for 30 unload_modules
check "QEMU: the controller got no further command" traced 0 .
load_modules
found
check "bound again it works" dd if="/dev/$second" of=/dev/null bs=64k count=16 iflag=direct

# The firmware does not answer, and its state stays one between all others.
wait_for 20 unload_modules
load_modules scmd_timeout=3 resetwaittime=1
found
readers
kmsg_mark
cover 0x40000000
check "every command ends, abort, device reset and host reset having failed" wait_for 120 ended
check "three attempts were made" [ "$(attempts)" = 3 ]
check "the adapter is dead, and its commands were ended with it" eval \
	"kmsg_has 'the adapter is dead' && ! kmsg_has 'still outstanding'"
check "the host reset was counted" [ "$(attribute fw_resets)" = 1 ]
check "nothing is outstanding" [ "$(attribute fw_cmds_outstanding)" = 0 ]
check "the disks are offline" eval \
	"grep -qx offline /sys/block/$first/device/state && grep -qx offline /sys/block/$second/device/state"
check "a new command fails at once" refuses "$first"
check "it can be unbound" eval \
	"timeout 60 sh -c 'echo $(basename "$function") >/sys/bus/pci/drivers/$DRIVER/unbind' && unbound"
check "the modules can be unloaded" wait_for 30 unload_modules
uncover
load_modules
found
check "once the firmware is well, it works" dd if="/dev/$first" of=/dev/null bs=64k count=16 iflag=direct
finish
