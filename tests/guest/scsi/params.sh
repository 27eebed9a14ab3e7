#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Wrong values of module parameters are refused with a message, right ones have their effect.
# topology: gen2
# timeout: 120
# tests: 31
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
set -eu
plan 31

# refused PARAMETER=VALUE: the module is not loaded, the log names the parameter and its value.
refused() {
	kmsg_mark
	if answer=$(insmod "/ironpath/modules/$DRIVER.ko" "$1" 2>&1); then
		rmmod "$DRIVER"
		return 1
	fi
	echo "$answer"
	case $answer in
	*"Invalid"*) ;;
	*) return 1 ;;
	esac
	kmsg_has "parameter $1: must be"
}

# loaded PARAMETER=VALUE...: with both disks.
loaded() {
	kmsg_mark
	load_modules "$@" && wait_for 20 disk_count 2 && settle
}
interrupt() { kmsg_has "interrupt $1,"; }
# reads: how many milliseconds so many reads take, one after the other.
READS=100
reads() {
	reads_from=$(uptime_ms)
	dd if="/dev/$(disk_by_serial IRON0000)" of=/dev/null bs=4k count=$READS iflag=direct 2>/dev/null || return
	echo $(($(uptime_ms) - reads_from))
}
queue() { cat "/sys/block/$(disk_by_serial IRON0000)/$1"; }
unloaded() { wait_for 20 unload_modules 2>/dev/null; }

insmod /ironpath/modules/storage.ko
for value in max_sectors=1 max_sectors=65537 msix_disable=2 resetwaittime=0 resetwaittime=181 \
	scmd_timeout=0 scmd_timeout=1000 throttlequeuedepth=257 enable_sdev_max_qd=2 poll_period=49 poll_period=10001; do
	check "$value is refused" refused "$value"
done

check "without parameters it loads" loaded
check "it has MSI-X" interrupt msix
check "a command may take 90 s" [ "$(queue device/timeout)" = 90 ]
check "a disk may have 256" [ "$(queue device/queue_depth)" = 256 ]
check "its depth can be changed" eval "echo 7 >/sys/block/$(disk_by_serial IRON0000)/device/queue_depth"
check "and has changed" [ "$(queue device/queue_depth)" = 7 ]
driver=/sys/bus/pci/drivers/$DRIVER
check "the driver has a version" grep -Eq '^[0-9]+\.[0-9]+\.[0-9]+$' "$driver/version"
if echo 4 >"$driver/dbg_lvl" || echo x >"$driver/dbg_lvl"; then
	fail "a wrong debug level is refused"
else
	pass "a wrong debug level is refused"
fi 2>/dev/null
echo 1 >"$driver/dbg_lvl"
sg_raw "/dev/$(disk_by_serial IRON0000)" c1 00 00 00 00 00 2>/dev/null || :
check "with dbg_lvl=1 a failed command is told" kmsg_has 'tag [0-9]+: opcode 0xc1 ended with'
unloaded
check "enable_sdev_max_qd=1 loads" loaded enable_sdev_max_qd=1
check "a disk may have as many as the host" \
	[ "$(queue device/queue_depth)" = "$(cat "/sys/class/scsi_host/$(hosts)/can_queue")" ]
unloaded
check "max_sectors=64 scmd_timeout=20 loads" loaded max_sectors=64 scmd_timeout=20
check "a command has at most 32 KiB" [ "$(queue queue/max_hw_sectors_kb)" = 32 ]
check "and may take 20 s" [ "$(queue device/timeout)" = 20 ]
unloaded
# Each read is answered at a turn of the timer, and two turns are half a period apart at least.
check "irq_mode=poll poll_period=10000 loads" loaded irq_mode=poll poll_period=10000
slow=$(reads)
check "$READS reads take $READS turns of 10 ms ($slow ms)" [ "$slow" -ge $((READS * 10 / 2)) ]
unloaded
loaded irq_mode=poll poll_period=50 || die "poll_period=50 does not load"
# The best of three: the machine may be busy.
fast=$(for _ in 1 2 3; do reads; done | sort -n | head -n 1)
check "at 50 us they take less than half as long ($fast ms)" [ "$fast" -lt $((slow / 2)) ]
unloaded
check "msix_disable=1 loads" loaded msix_disable=1
check "it has another interrupt" eval "interrupt msi || interrupt intx"
check "a disk can be read" dd if="/dev/$(disk_by_serial IRON0000)" of=/dev/null bs=64k count=16 iflag=direct
finish
