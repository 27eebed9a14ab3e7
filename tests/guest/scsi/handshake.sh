#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The registers are written in the order that hardware wants, as the device itself saw them: when the driver
# is loaded, in a host reset, and when the firmware has stopped. The emulation accepts other orders, too.
# topology: gen2
# topology: gen1
# timeout: 150
# tests: 13
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
set -eu
plan 13
require_cmd sg_reset

case $IRONPATH_TOPOLOGY in
gen1*) mask=0x7fffffff bar=3 ;;
*) mask=0xfffffffa bar=1 ;;
esac

# written: the registers that concern the controller as a whole, and INIT, since the mark.
written() {
	ctl trace lines 'megasas_mmio_writel reg MFI_(IDB|OMSK|ODCR0|SEQ|DIAG)|megasas_init(_firmware|q_mapped) ' |
		sed -e 's/^megasas_mmio_writel reg MFI_//' -e 's/^megasas_init.*/INIT/'
}
# in_order LINE...: exactly these were written.
in_order() {
	printf '%s\n' "$@" >/tmp/wanted
	written >/tmp/written
	cmp /tmp/wanted /tmp/written && return
	echo "written:"
	cat /tmp/written
	return 1
}
readable() { dd if="/dev/$(disk_by_serial IRON0000)" of=/dev/null bs=64k count=4 iflag=direct 2>/dev/null; }
found() {
	wait_for 60 disk_count 2 || return
	settle
}
# adapter_reset: what an adapter reset writes between the masks.
adapter_reset() {
	case $IRONPATH_TOPOLOGY in
	gen1*) echo "IDB: 0x40" ;;
	*) printf '%s\n' "SEQ: 0x0" "SEQ: 0x4" "SEQ: 0xb" "SEQ: 0x2" "SEQ: 0x7" "SEQ: 0xd" "DIAG: 0x84" ;;
	esac
}
host_reset_in_order() {
	in_order "IDB: 0x20" "OMSK: 0xffffffff" "$(adapter_reset)" "OMSK: 0xffffffff" INIT \
		"ODCR0: 0xffffffff" "OMSK: $mask"
}
# The driver makes the firmware ready, registers its interrupt handler, and then brings the queues up.
load_in_order() {
	in_order "OMSK: 0xffffffff" "$(adapter_reset)" "OMSK: 0xffffffff" "OMSK: 0xffffffff" INIT \
		"ODCR0: 0xffffffff" "OMSK: $mask"
}
# master_after_reset: the device was let write to memory after the order to reset, and before INIT. (Bit 2 of the
# command register, at 4 in the configuration space; its write for the interrupts comes later, and has the bit too.)
master_after_reset() {
	events='megasas_mmio_writel reg MFI_(IDB|DIAG)|megasas_init(_firmware|q_mapped) '
	ctl trace lines "$events|pci_cfg_write megasas.* @0x4 <- 0x[0-9a-f]*[4-7c-f]\$" |
		sed -e 's/^megasas_mmio_writel .*/order/' -e 's/^pci_cfg_write .*/master/' -e 's/^megasas_init.*/INIT/' |
		uniq | xargs >/tmp/written
	grep -qx 'order master INIT' /tmp/written && return
	echo "written: $(cat /tmp/written)"
	return 1
}
# stop_firmware: as firmware does that has met an error of its own; by the registers' other window.
stop_firmware() { ctl hmp "o/w $((port + 0x20)) 0x20"; }
reset_host() { sg_reset -N -H "/dev/$(disk_by_serial IRON0000)"; }

device=$(readlink -f /sys/bus/pci/devices/*/ | while read -r path; do
	[ "$(cat "$path/vendor")" != 0x1000 ] || echo "$path"
done)
port=$(($(sed -n "${bar}p" "$device/resource" | cut -d' ' -f1)))

trace_start megasas_mmio_writel megasas_init_firmware megasas_initq_mapped megasas_qf_complete_noirq pci_cfg_write
load_modules
check "two disks" found
check "from READY: INIT while interrupts are masked, then they are acknowledged and let in" in_order \
	"OMSK: 0xffffffff" "OMSK: 0xffffffff" INIT "ODCR0: 0xffffffff" "OMSK: $mask"
check "INIT's answer did not come through the ring" traced 1 'megasas_qf_complete_noirq '

trace_mark
check "a host reset" reset_host
check "from OPERATIONAL: commands and queues are forgotten by one order" in_order \
	"OMSK: 0xffffffff" "IDB: 0x7" "OMSK: 0xffffffff" INIT "ODCR0: 0xffffffff" "OMSK: $mask"
check "the disks work" readable

trace_mark
kmsg_mark
stop_firmware
check "the firmware has stopped, and a host reset starts it again" reset_host
check "the log says so" kmsg_has 'firmware stopped: 0xf'
check "from FAULT: the adapter is reset" host_reset_in_order
check "the disks work" readable

wait_for 20 unload_modules 2>/dev/null || die "the driver stays"
stop_firmware
trace_mark
load_modules
check "the driver is loaded after the firmware has stopped" found
check "the adapter is reset, once" load_in_order
check "the device may write to memory only once it has forgotten what it had" master_after_reset
finish
