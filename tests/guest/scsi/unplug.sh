#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A disk and a controller are unplugged under I/O: it ends in errors, nothing hangs.
# topology: gen2
# topology: gen2,machine=q35
# topology: gen1
# timeout: 150
# allow-log: (I/O|device offline) error, dev sd|Buffer I/O error on dev sd | disks are unplugged under I/O
# allow-log: rejecting I/O to (offline|dead) device | disks are unplugged under I/O
# tests: 11
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
set -eu
plan 11

# Reads until an error; the file says that it has begun.
reads() {
	while dd if="/dev/$1" of=/dev/null bs=64k count=64 iflag=direct 2>/dev/null; do
		: >"/tmp/reads-$1"
	done
}
started() { [ -e "/tmp/reads-$1" ]; }
ended() { ! kill -0 "$1" 2>/dev/null; }
no_hosts() { [ -z "$(hosts)" ]; }
readable() { dd if="/dev/$1" of=/dev/null bs=64k count=4 iflag=direct 2>/dev/null; }

load_modules
wait_for 20 disk_count 2 || die "no disks"
settle
first=$(disk_by_serial IRON0000)
second=$(disk_by_serial IRON0001)

trace_start megasas_init_firmware megasas_initq_mapped megasas_dcmd_enter megasas_dcmd_reset_ld "megasas_abort_*"
reads "$first" &
reader=$!
wait_for 20 started "$first" || die "no I/O"
ctl device_del disk0
check "a disk is unplugged" ctl wait_deleted disk0 20
check "I/O to it ends" wait_for 40 ended "$reader"
check "the other disk works" readable "$second"
check "QEMU: no reset and no abort" traced 0 'megasas_(init|dcmd_reset_ld|abort)'

reads "$second" &
reader=$!
wait_for 20 started "$second" || die "no I/O"
ctl device_del hba0
check "the controller is unplugged" ctl wait_deleted hba0 60
check "I/O through it ends" wait_for 60 ended "$reader"
check "QEMU: its cache was flushed and it was shut down, once and in this order" eval \
	"[ \"\$(ctl trace lines 'megasas_dcmd_enter ' | grep -Eo 'CTRL_(CACHE_FLUSH|SHUTDOWN)' | xargs)\" = 'CTRL_CACHE_FLUSH CTRL_SHUTDOWN' ]"
check "QEMU: again no reset and no abort" traced 0 'megasas_(init|dcmd_reset_ld|abort)'
check "its host goes" wait_for 60 no_hosts
check "its disks go" wait_for 20 disk_count 0
check "the modules can be unloaded" wait_for 20 unload_modules
finish
