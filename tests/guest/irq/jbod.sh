#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Both generations in JBOD mode with MSI, then with INTx: bound, unbound and bound again under verified I/O.
# topology: two-hba,use_jbod=on,msix=off
# timeout: 150
# tests: 19
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
set -eu
plan 19
require_cmd fio

verified() {
	fio --output-format=terse --ioengine=libaio --direct=1 --thread --rw=randrw --verify=crc32c \
		--verify_fatal=1 --bs=16k --iodepth=16 --size=4m \
		--name=first --filename="/dev/$1" --name=second --filename="/dev/$2"
}
# all ATTRIBUTE VALUE: of both hosts.
all() {
	for each in $(hosts); do
		[ "$(cat "/sys/class/scsi_host/$each/$1")" = "$2" ] || return 1
	done
}
found() {
	wait_for 20 disk_count 2 || die "no disks"
	settle
	first=$(disk_by_serial IRON0000)
	second=$(disk_by_serial IRON0001)
}
# target DISK: what the firmware calls it, and where it is.
target() { cat "/sys/block/$1/device/fw_target"; }
channel() { basename "$(readlink -f "/sys/block/$1/device")" | cut -d: -f2; }
functions() { find "/sys/bus/pci/drivers/$DRIVER/" -name '0000:*' -printf '%f\n' | sort; }
each_function() {
	for each in $bound; do
		echo "$each" >"/sys/bus/pci/drivers/$DRIVER/$1" || return
	done
}
some() { [ "$(trace_count "$1")" -gt 0 ]; }

trace_start megasas_msi_raise megasas_msix_raise megasas_irq_raise megasas_init_firmware megasas_initq_mapped \
	megasas_dcmd_enter
for mode in msi intx; do
	trace_mark
	load_modules irq_mode=$mode
	found
	bound=$(functions)
	check "$mode: both controllers use it" eval "[ \$(hosts | wc -w) = 2 ] && all irq_mode $mode"
	check "$mode: their disks are physical drives" eval "[ \"\$(target $first) \$(target $second)\" = 'physical 0 physical 0' ]"
	check "$mode: their disks are in channel 0" [ "$(channel "$first")$(channel "$second")" = 00 ]
	check "$mode: data are right" verified "$first" "$second"
	check "$mode: unbind" each_function unbind
	check "$mode: no disk is left" disk_count 0
	check "$mode: bind" each_function bind
	found
	check "$mode: data are right again" verified "$first" "$second"
	wait_for 20 unload_modules 2>/dev/null
	case $mode in
	msi) check "QEMU: it raised MSI and nothing else" eval \
		"some megasas_msi_raise && traced 0 'megasas_(msix|irq)_raise'" ;;
	*) check "QEMU: it raised INTx and nothing else" eval \
		"some megasas_irq_raise && traced 0 'megasas_msix?_raise'" ;;
	esac
done
check "QEMU: each controller was given queues and shut down twice" eval \
	"traced 4 megasas_init && traced 4 'megasas_dcmd_enter .*: DCMD CTRL_SHUTDOWN '"
finish
