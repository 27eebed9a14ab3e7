#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# While the adapter is being reset nobody reads its registers, which may not answer on the bus: not for sysfs,
# and not to unbind the driver. Registers that read as ones when the reset should be over get the time that the
# C driver gives them, as long as the configuration space answers.
#
# The firmware refuses its queues once (tests/modules/failframe.c), so that a host reset resets the adapter.
# topology: pulled
# timeout: 180
# tests: 9
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
# shellcheck source=tests/guest/scsi/lib.sh
. /ironpath/scsi.sh
set -eu
plan 9
require_cmd python3 sg_reset

found() {
	wait_for 20 disk_count 2 || die "no disks"
	settle
	host=$(hosts)
	disk=$(disk_by_serial IRON0000)
}
# begin_reset: a host reset, in the background, whose adapter reset has begun.
begin_reset() {
	insmod /ironpath/modules/failframe.ko command=0 until=1
	kmsg_mark
	sg_reset -N -H "/dev/$disk" &
	reset=$!
	wait_for 20 kmsg_has 'resetting the adapter' || die "the adapter is not reset"
	wait_for 5 traced_reset || die "QEMU: no reset"
	rmmod failframe
	trace_mark
}
traced_reset() { [ "$(trace_count 'megasas_mmio_writel reg MFI_DIAG')" != 0 ]; }
reads() { [ "$(trace_count 'megasas_mmio_readl ')" != 0 ]; }
dead() { kmsg_has 'the adapter is dead'; }
unbound() { [ ! -e "/sys/bus/pci/drivers/$DRIVER/$(basename "$function")" ]; }

find_memory
load_modules
found
trace_start megasas_mmio_readl megasas_mmio_writel

begin_reset
check "sysfs says that the registers are not read" grep -q 'being reset' "/sys/class/scsi_host/$host/dump_system_regs"
check "QEMU: they are not" traced 0 'megasas_mmio_readl '
# An absent device reads as ones, and so does one that has not come back on the bus yet.
cover 0xffffffff
# The registers are left alone for ten seconds.
check "registers that read as ones are waited for" eval "! wait_for 14 dead"
uncover
check "the host reset succeeds" wait "$reset"
check "the disk works" dd if="/dev/$disk" of=/dev/null bs=64k count=16 iflag=direct

trace_mark
begin_reset
echo "$(basename "$function")" >"/sys/bus/pci/drivers/$DRIVER/unbind" &
check "unbound meanwhile: QEMU: no register is read" eval "! wait_for 6 reads"
check "the reset succeeds" wait_for 30 kmsg_has 'host reset done'
check "the driver is unbound" wait_for 60 unbound
wait "$reset" || :
check "the modules can be unloaded" wait_for 30 unload_modules
finish
