#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Each step of binding a controller fails in turn: the probe fails with that error and leaves nothing behind,
# neither in the kernel nor in the device.
# topology: gen2
# timeout: 720
# tests: 30
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
# shellcheck source=tests/guest/scsi/lib.sh
. /ironpath/scsi.sh
set -eu
plan 30

FOREVER=1000000
insert_needed "$DRIVER"
count_calls
vectors_before=$(vectors)
trace_start megasas_mmio_writel megasas_handle_dcmd megasas_init_firmware

# silenced: the last that was written to the controller masks its interrupts and makes it forget its queues,
# if anything was written.
silenced() {
	last=$(ctl trace last 'megasas_mmio_writel reg MFI_(OMSK|IQP)') || return
	case $last in
	"" | *"MFI_OMSK: 0xffffffff") ;;
	*)
		echo "written last: $last"
		return 1
		;;
	esac
}
# nothing_left: no register region, no interrupt, no vector, no memory, no bound device of the driver, and a
# controller that is disabled and was told to do nothing.
nothing_left() {
	! grep -H "$DRIVER" /proc/iomem /proc/interrupts &&
		[ -z "$(hosts)" ] &&
		[ -z "$(find "/sys/bus/pci/drivers/$DRIVER/" -name '0000:*' 2>/dev/null)" ] &&
		[ "$(vectors)" = "$vectors_before" ] && no_vectors &&
		each_given_back 0 && silenced && disabled
}
unloaded() { rmmod "$DRIVER"; }
# load [PARAMETER=VALUE...]
load() {
	trace_mark
	kmsg_mark
	insmod "/ironpath/modules/$DRIVER.ko" "$@"
}
# with FUNCTION VALUE AT [UNTIL]: loads the driver while these calls of the function fail.
with() {
	insmod /ironpath/modules/failcall.ko function="$1" value="$2" at="$3" until="${4:-$3}"
	load resetwaittime=1
	calls=$(cat /sys/module/failcall/parameters/calls)
	rmmod failcall
}
# failed_with ERROR: the probe did, and left nothing; the driver is unloaded. The kernel does not tell of
# ENODEV: there only the controller that is not bound does.
failed_with() {
	failed=0
	case $1 in
	-19) ! kmsg_has "probe with driver $DRIVER failed" || failed=1 ;;
	*) kmsg_has "probe with driver $DRIVER failed with error $1\$" || failed=1 ;;
	esac
	nothing_left || failed=1
	[ "$failed" = 0 ] || kmsg_since
	wait_for 20 unloaded 2>/dev/null
	return "$failed"
}
# fails FUNCTION VALUE ERROR [ends]: each call (or the first, the one in the middle and the last) makes the
# probe fail with ERROR.
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
		failed_with "$3" || return
	done
}
# always FUNCTION VALUE ERROR: every call does.
always() {
	with "$1" "$2" 1 $FOREVER
	[ "$calls" -gt 0 ] && failed_with "$3"
}
# frame HOW ERROR COMMAND [OPCODE]: the controller refuses or loses that frame.
frame() {
	insmod /ironpath/modules/failframe.ko how="$1" command="$3" opcode="${4:-0}"
	load
	hits=$(cat /sys/module/failframe/parameters/hits)
	rmmod failframe
	[ "$hits" -gt 0 ] && failed_with "$2"
}
works() { wait_for 20 disk_count 2 && settle; }
# works_at_once: the timer polls because it was told to, and not because it found that no interrupt came.
works_at_once() { works && ! kmsg_has 'falling back to polling'; }
INIT=0
DCMD=5

check "enabling the device" fails pci_enable_device_mem -5 -5
check "the mask for data" always dma_set_mask -5 -5
check "the register region" fails pci_request_region -16 -16
check "mapping the registers" fails pci_iomap_range 0 -12
check "registers that are not there" always rust_helper_readl 0xffffffff -19
check "firmware that does not come to READY" always rust_helper_readl 0x40000000 -110
# The bit that is set besides says that the diagnostic register is unlocked, where that is read.
check "firmware that stays in FAULT" always rust_helper_readl 0xf0000080 -110
check "QEMU: it was asked to reset by its diagnostic register" eval \
	"ctl trace last 'megasas_mmio_writel reg MFI_(SEQ|DIAG)' | grep -q DIAG"
check "firmware without commands or scatter lists" always rust_helper_readl 0xb0000000 -22
check "firmware with no command to spare" always rust_helper_readl 0xb0500021 -22
check "coherent memory" fails dma_alloc_attrs 0 -12 ends
check "memory for the tables" fails kvrealloc_node_align_noprof 0 -12 ends
check "INIT refused" frame refuse -5 $INIT
check "INIT not answered" frame lose -110 $INIT
check "controller information refused" frame refuse -5 $DCMD 0x01010000
check "QEMU: it was flushed and shut down all the same" traced 2 'megasas_handle_dcmd .*(0x1101000|0x1050000)$'
check "the list of logical drives refused" frame refuse -5 $DCMD 0x03010000
check "the list of physical drives refused" frame refuse -5 $DCMD 0x02010100
check "allocating the host" fails scsi_host_alloc 0 -12
check "registering the host" fails scsi_add_host_with_dma -12 -12

with pci_alloc_irq_vectors -28 1 $FOREVER
check "without any vector it polls" kmsg_has \
	'interrupt: poll \(refused: msix: error -28, msi: error -28, intx: error -28\)'
check "and works, from the first" works_at_once
wait_for 20 unloaded 2>/dev/null
with request_threaded_irq -28 1 3
check "without any interrupt it polls" kmsg_has \
	'interrupt: poll \(refused: msix: error -28, msi: error -28, intx: error -28\)'
check "and works, from the first" works_at_once
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

load
check "in the end it works" works
finish
