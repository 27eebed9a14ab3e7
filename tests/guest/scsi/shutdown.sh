#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The machine is switched off while data are still in the disks' caches: from outside, by QEMU's trace of the
# controllers, each disk's cache is flushed, then the firmware's, then it is shut down, then interrupts go off.
# topology: two-hba
# timeout: 60
# tests: 7
# outside: shutdown.py
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
set -eu
plan 7

load_modules
wait_for 20 disk_count 2 || die "no disks"
settle
head -c 1048576 /dev/urandom >/tmp/data
for disk in $(disks); do
	dd if=/tmp/data of="/dev/$disk" bs=64k oflag=direct 2>/dev/null
done
check "the disks have a write cache" eval "! grep -L 'write back' /sys/class/scsi_disk/*/cache_type | grep ."
trace_start megasas_mmio_writel megasas_handle_scsi megasas_dcmd_enter scsi_req_parsed || die "no trace events"
check "the events are recorded" traced 0 .
# The five points that are left are counted outside.
[ "$ktap_failed" = 0 ]
