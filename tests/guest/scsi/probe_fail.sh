#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Each step of binding a controller fails in turn: the probe fails with that error and leaves nothing behind.
# topology: gen2
# timeout: 200
# tests: 15
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
set -eu
plan 15

insmod /ironpath/modules/storage.ko

# nothing_left: no register region, no interrupt, no thread, no bound device of the driver.
nothing_left() {
	! grep -H "$DRIVER" /proc/iomem /proc/interrupts &&
		[ -z "$(hosts)" ] &&
		[ -z "$(find "/sys/bus/pci/drivers/$DRIVER/" -name '0000:*')" ]
}
unloaded() { rmmod "$DRIVER"; }
# with FUNCTION VALUE AT: loads the driver while that call of the function fails.
with() {
	insmod /ironpath/modules/failcall.ko function="$1" value="$2" at="$3" until="${4:-$3}"
	kmsg_mark
	insmod "/ironpath/modules/$DRIVER.ko"
	calls=$(cat /sys/module/failcall/parameters/calls)
	rmmod failcall
}
failed_with() { kmsg_has "probe with driver $DRIVER failed with error $1\$"; }
# fails FUNCTION VALUE ERROR [CALLS]: each of the calls (first, second ... or `ends`: first, middle, last)
# makes the probe fail with ERROR.
fails() {
	with "$1" "$2" 0
	wait_for 20 unloaded 2>/dev/null || return 1
	echo "$1: $calls calls"
	[ "$calls" -gt 0 ] || return 1
	if [ "${4:-}" = ends ]; then
		list="1 $((calls / 2 + 1)) $calls"
	else
		list=$(seq "$calls")
	fi
	for number in $list; do
		with "$1" "$2" "$number"
		if ! failed_with "$3" || ! nothing_left; then
			echo "call $number of $1: not as it should be"
			wait_for 20 unloaded 2>/dev/null || :
			return 1
		fi
		unloaded
	done
}
works() { wait_for 20 disk_count 2 && settle; }

check "enabling the device" fails pci_enable_device_mem -5 -5
check "the register region" fails pci_request_region -16 -16
check "mapping the registers" fails pci_iomap_range 0 -12
check "coherent memory" fails dma_alloc_attrs 0 -12 ends
check "memory for the tables" fails kvrealloc_node_align_noprof 0 -12 ends
check "allocating the host" fails scsi_host_alloc 0 -12
check "registering the host" fails scsi_add_host_with_dma -12 -12
with request_threaded_irq -28 1 3
check "without any interrupt it polls" kmsg_has \
	'interrupt: poll \(refused: msix: error -28, msi: error -28, intx: error -28\)'
check "and works" works
wait_for 20 unloaded 2>/dev/null

with request_threaded_irq -28 1
check "without MSI-X it is MSI" kmsg_has 'interrupt msi,'
check "and works" works
wait_for 20 unloaded 2>/dev/null
with request_threaded_irq -28 1 2
check "without MSI either it is INTx" kmsg_has 'interrupt intx,'
check "and works" works
wait_for 20 unloaded 2>/dev/null
check "nothing is left" nothing_left

insmod "/ironpath/modules/$DRIVER.ko"
check "in the end it works" works
finish
