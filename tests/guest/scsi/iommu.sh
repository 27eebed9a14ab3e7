#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Behind an IOMMU the controller maps every frame, and every command works, as often as the driver comes
# anew and has other memory. (A frame that it cannot map fails any run: qemu/guest.py.)
# topology: gen2,iommu=strict
# topology: gen1,iommu=strict,msix=off,msi=off
# topology: gen2,iommu=pt
# timeout: 300
# tests: 8
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
set -eu
plan 8
require_cmd fio sg_reset

ROUNDS=10

case $IRONPATH_TOPOLOGY in
*iommu=strict*) domain=DMA ;;
*) domain=identity ;;
esac

found() {
	wait_for 30 disk_count 2 || return
	settle
}
domain_is() { [ "$(cat "$(dirname "$(readlink -f "/sys/class/scsi_host/$(hosts)")")/../../iommu_group/type")" = "$1" ]; }
# verified: both disks at once, with more than half of the commands that the controller takes.
verified() {
	set -- --output-format=terse --ioengine=libaio --direct=1 --rw=randrw --verify=crc32c --verify_fatal=1 \
		--bs=4k --iodepth=256 --size=4m
	for serial in IRON0000 IRON0001; do
		set -- "$@" --name="$serial" --filename="/dev/$(disk_by_serial "$serial")"
	done
	fio "$@"
}
idle() { [ "$(cat "/sys/class/scsi_host/$(hosts)/fw_cmds_outstanding")" = 0 ]; }

trace_start megasas_qf_map_failed megasas_frame_busy megasas_qf_new
load_modules
check "two disks" found
check "the controller's DMA is as the topology says" domain_is $domain
check "data are right, with many commands at once" verified
check "a host reset" sg_reset -N -H "/dev/$(disk_by_serial IRON0000)"
check "data are right after it" verified
check "nothing is outstanding" wait_for 10 idle

round=0
failed=0
while [ "$round" -lt $ROUNDS ]; do
	round=$((round + 1))
	wait_for 20 unload_modules 2>/dev/null || failed=$((failed + 1))
	load_modules
	found || failed=$((failed + 1))
done
check "$ROUNDS times anew the disks are found" [ "$failed" = 0 ]
echo "$(trace_count megasas_qf_new) frames"
check "the controller could map each frame" traced 0 'megasas_qf_map_failed|megasas_frame_busy'
finish
