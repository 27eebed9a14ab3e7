#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A driver whose host reset says that all is well, but leaves a command outstanding: error handling waits a
# few seconds, takes bus mastering from the device, which may still have the command, and names the command and
# ends it with an error. The adapter is given up: it gets no command any more, and the driver can be unloaded at
# once.
#
# The reset of the driver is not entered (tests/modules/failcall.c). There is no reset of a physical drive,
# so the host's is the first step for a command whose abort has been tried before, as in timeout.sh.
#
# The emulation maps the memory of a read when it begins, and writes there at its end, whatever the command
# register says by then. So the reader keeps its buffer until the end of the test.
# topology: gen2,use_jbod=on
# timeout: 150
# allow-log: Device offlined | the host reset has failed, as far as the mid-layer knows
# allow-log: I/O error, dev | the command that was left is ended with an error
# allow-log: rejecting I/O to (offline|dead) device | the adapter is given up
# allow-log: the adapter is dead | the device can no longer reach memory
# tests: 11
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
# shellcheck source=tests/guest/scsi/lib.sh
. /ironpath/scsi.sh
set -eu
plan 11
require_cmd python3

# A read of 64 KiB uses up the throttle for sixteen seconds.
TIMEOUT=3

attribute() { cat "/sys/class/scsi_host/$host/$1"; }
# keep_reading: a read whose buffer stays after its end, which /tmp/read-ended tells.
keep_reading() {
	exec python3 -c 'import mmap, os, signal, sys
buffer = mmap.mmap(-1, 65536)
disk = os.open(sys.argv[1], os.O_RDONLY | os.O_DIRECT)
try:
    end = "read %d bytes" % os.preadv(disk, [buffer], 65536)
except OSError as error:
    end = error.strerror
os.close(disk)
with open("/tmp/read-ending", "w") as file:
    print(end, file=file)
os.rename("/tmp/read-ending", "/tmp/read-ended")
signal.pause()
' "/dev/$disk"
}
read_late() { dd if="/dev/$disk" of=/dev/null bs=65536 skip=1 count=1 iflag=direct 2>/dev/null; }
outstanding() { [ "$(attribute fw_cmds_outstanding)" != 0 ]; }
# master: the bus-master bit of the controller's command register (configuration byte 4), 4 or 0.
master() { echo $((0x$(dd if="$(controllers)/config" bs=1 skip=4 count=1 2>/dev/null | od -An -tx1 | tr -d ' ') & 4)); }

found() { [ -n "$(disk_by_serial IRON0000)" ]; }
works() {
	load_modules && wait_for 30 found &&
		dd if="/dev/$(disk_by_serial IRON0000)" of=/dev/null bs=64k count=4 iflag=direct 2>/dev/null
}
# unloads SECONDS: within that time.
unloads() {
	end=$(($(uptime_ms) + $1 * 1000))
	wait_for "$1" unload_modules && [ "$(uptime_ms)" -lt "$end" ]
}

load_modules
wait_for 20 disk_count 1 || wait_for 1 disk_count 2 || die "no disks"
settle
host=$(hosts)
disk=$(disk_by_serial IRON0000)
reset=$(awk '$4 == "[rmegasas]" && $3 ~ /^_R.*10reset_host$/ { print $3; exit }' /proc/kallsyms)
insmod /ironpath/modules/failcall.ko function="$reset" value=0 at=1 until=9 comm=scsi_eh || die "no probe of $reset"
echo $TIMEOUT >"/sys/block/$disk/device/timeout"
echo $TIMEOUT >"/sys/block/$disk/device/eh_timeout"
throttle_disk || die "the disk cannot be made slow"

trace_start megasas_qf_new
kmsg_mark
check "the controller may write to memory" [ "$(master)" = 4 ]
throttle "$SLOW"
read_late
keep_reading &
reader=$!
check "a late command is aborted" wait_for 60 kmsg_has 'tag [0-9]+ aborted'
# Once it is tried again, it waits in the throttle whatever the limits are.
wait_for 10 outstanding || :
throttle "$FAST"
check "late again, a host reset leaves it" \
	wait_for 30 kmsg_has 'tag [0-9]+ is still outstanding after a host reset: DMA is stopped, the command ends with an error'
check "the driver's reset was called, and not entered" [ "$(cat /sys/module/failcall/parameters/calls)" -ge 1 ]
check "no command is outstanding" [ "$(attribute fw_cmds_outstanding)" = 0 ]
check "the reader was given an error" wait_for 20 grep -qx 'Input/output error' /tmp/read-ended
check "the controller may no longer write to memory" [ "$(master)" = 0 ]
check "the adapter is given up" kmsg_has 'DMA is stopped; the adapter is dead'
rmmod failcall
trace_mark
check "the driver is unloaded within seconds" unloads 10
check "QEMU: the controller got no further command" traced 0 .
check "and loaded again, it works" works
kill "$reader"
finish
