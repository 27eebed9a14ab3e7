#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Every rung of the interrupt ladder is forced under verified I/O.
# topology: gen2
# topology: gen1
# timeout: 150
# tests: 18
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
set -eu
plan 18
require_cmd fio

verified() {
	fio --output-format=terse --ioengine=libaio --direct=1 --thread --rw=randrw --verify=crc32c \
		--verify_fatal=1 --bs=16k --iodepth=16 --size=4m \
		--name=first --filename="/dev/$1" --name=second --filename="/dev/$2"
}
unloaded() { wait_for 20 unload_modules 2>/dev/null; }
attribute() { cat "/sys/class/scsi_host/$(hosts)/$1"; }
# handlers: how many interrupts have the driver's name.
handlers() { grep -c "$DRIVER" /proc/interrupts || :; }

for mode in msix msi intx poll; do
	kmsg_mark
	load_modules irq_mode=$mode
	wait_for 20 disk_count 2 || die "no disks"
	settle
	check "$mode: it is in use" [ "$(attribute irq_mode)" = $mode ]
	check "$mode: the parameter says so" [ "$(cat "/sys/module/$DRIVER/parameters/irq_mode")" = $mode ]
	check "$mode: data are right" verified "$(disk_by_serial IRON0000)" "$(disk_by_serial IRON0001)"
	case $mode in
	msix) check "$mode: nothing was refused" [ "$(attribute irq_refused)" = none ] ;;
	poll)
		check "$mode: no interrupt is registered" [ "$(handlers)" = 0 ]
		check "$mode: the log says why" \
			kmsg_has 'interrupt: poll \(refused: msix: not allowed, msi: not allowed, intx: not allowed\)'
		;;
	*) check "$mode: one interrupt is registered" [ "$(handlers)" = 1 ] ;;
	esac
	unloaded
done
if insert "$DRIVER" irq_mode=edge; then
	fail "a wrong mode is refused"
else
	check "a wrong mode is refused" kmsg_has 'irq_mode=edge: must be auto, msix, msi, intx or poll'
fi
finish
