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
# turns: the shortest time between two turns of the polling timer, in microseconds, while a disk is read; by
# the kernel's own trace of its timers.
tracing=/sys/kernel/tracing
turns() {
	mountpoint -q $tracing || mount -t tracefs none $tracing
	echo >$tracing/trace
	echo 1 >$tracing/events/timer/hrtimer_expire_entry/enable
	dd if="/dev/$(disk_by_serial IRON0000)" of=/dev/null bs=4k count=100 iflag=direct 2>/dev/null
	echo 0 >$tracing/events/timer/hrtimer_expire_entry/enable
	# Symbols of Rust hold the path to the function, each part behind its length.
	sed -n 's/.* hrtimer_expire_entry: .*function=_R[^ ]*7storage3irq4poll7expired.* now=\([0-9]*\).*/\1/p' $tracing/trace |
		awk 'NR > 1 && (!least || $1 - before < least) { least = $1 - before } { before = $1 }
			END { if (NR < 20) exit 1; print int(least / 1000) }'
}
queue() { cat "/sys/block/$(disk_by_serial IRON0000)/$1"; }
unloaded() { wait_for 20 unload_modules 2>/dev/null; }

insert_needed "$DRIVER"
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
# Half a period at least is left to others between two turns.
check "irq_mode=poll poll_period=10000 loads" loaded irq_mode=poll poll_period=10000
turns=$(turns) || turns=0
check "turns are 10 ms apart, less half a period at most ($turns us)" [ "$turns" -ge 5000 ]
unloaded
loaded irq_mode=poll poll_period=50 || die "poll_period=50 does not load"
turns=$(turns) || turns=1000000
check "at 50 us some are less than 1 ms apart ($turns us)" [ "$turns" -lt 1000 ]
unloaded
check "msix_disable=1 loads" loaded msix_disable=1
check "it has another interrupt" eval "interrupt msi || interrupt intx"
check "a disk can be read" dd if="/dev/$(disk_by_serial IRON0000)" of=/dev/null bs=64k count=16 iflag=direct
finish
