#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Resets of the device and of the host, asked for by sg_reset, work on an idle and on a busy disk.
# topology: gen2
# topology: gen1
# topology: gen2,msix=off,msi=off
# timeout: 150
# tests: 17
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
set -eu
plan 17
require_cmd sg_reset python3

attribute() { cat "/sys/class/scsi_host/$host/$1"; }
readable() { dd if="/dev/$disk" of=/dev/null bs=64k count=4 iflag=direct 2>/dev/null; }
idle() { [ "$(attribute fw_cmds_outstanding)" = 0 ]; }

load_modules
wait_for 20 disk_count 2 || die "no disks"
settle
host=$(hosts)
disk=$(disk_by_serial IRON0000)

trace_start megasas_init_firmware megasas_initq_mapped megasas_dcmd_reset_ld "megasas_abort_*"
kmsg_mark
check "idle: device reset" sg_reset -N -d "/dev/$disk"
check "the logical drive was reset" kmsg_has 'logical drive [0-9]+ reset'
check "QEMU: once, and nothing else" eval "traced 1 'megasas_dcmd_reset_ld .* dev 0' && traced 1 ."
check "the disk works" readable
trace_mark
check "idle: host reset" sg_reset -N -H "/dev/$disk"
check "the host was reset" kmsg_has 'host reset done'
check "QEMU: it was given its queues once, and nothing else" eval "traced 1 megasas_init_firmware && traced 1 ."
check "the disk works" readable

# verified RESET: so many resets while data are written and compared, each once data have moved; then all that
# was written is read back.
RESETS=12
verified() {
	verify_start "/dev/$disk" 24m --depth 32
	resets=0
	refused=0
	while [ "$resets" -lt $RESETS ] && verify_runs; do
		wait_for 60 has_moved "$disk" "$(io_count "$disk")" || return
		sg_reset -N "$1" "/dev/$disk" || refused=$((refused + 1))
		resets=$((resets + 1))
	done
	echo "$resets resets, $refused refused"
	verify_stop && [ "$resets" = $RESETS ] && [ "$refused" = 0 ]
}

# said REGEX: how many such lines the kernel log has since the mark.
said() { kmsg_since | grep -Ec "$1"; }

kmsg_mark
trace_mark
check "busy: device resets, data are right" verified -d
check "QEMU: so many resets of the logical drive" traced "$resets" 'megasas_dcmd_reset_ld .* dev 0'
check "the driver says the same, and QEMU tells of nothing else" eval \
	"[ \$(said 'logical drive 0 reset') = $resets ] && traced $resets ."
before=$(attribute fw_resets)
kmsg_mark
trace_mark
check "busy: host resets, data are right" verified -H
check "QEMU: so many times it was given its queues" traced "$resets" megasas_init_firmware
check "the driver says the same, and QEMU tells of nothing else" eval \
	"[ \$(said 'host reset done') = $resets ] && traced $resets ."
check "the disk works" readable
check "nothing is outstanding" wait_for 10 idle
echo "$(attribute fw_stray_replies) stray replies, $(attribute fw_resets) host resets"
check "the host resets were counted" [ "$(attribute fw_resets)" = $((before + resets)) ]
finish
