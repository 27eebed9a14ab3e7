#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A controller is unbound and bound through sysfs, idle and under I/O; a module in use stays. The driver needs no
# device-mapper.
# topology: gen2
# topology: two-hba,msix=off,msi=off
# timeout: 120
# allow-log: (I/O|device offline) error, dev sd|Buffer I/O error on dev sd | the driver is unbound under I/O
# allow-log: rejecting I/O to (offline|dead) device | the driver is unbound under I/O
# tests: 11
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
set -eu
plan 11

reads() {
	while dd if="/dev/$1" of=/dev/null bs=64k count=64 iflag=direct 2>/dev/null; do
		: >"/tmp/reads"
	done
}
ended() { ! kill -0 "$1" 2>/dev/null; }
unbind() { echo "$1" >"/sys/bus/pci/drivers/$DRIVER/unbind"; }
bind() { echo "$1" >"/sys/bus/pci/drivers/$DRIVER/bind"; }
fewer() { [ "$(disks | wc -w)" -lt 2 ]; }

rmmod dm_mod || die "device-mapper is in use"
check "the driver loads without device-mapper" eval "load_modules && [ ! -d /sys/module/dm_mod ]"
wait_for 20 disk_count 2 || die "no disks"
settle
disk=$(disk_by_serial IRON0000)
head -c 1048576 /dev/urandom | dd of="/dev/$disk" bs=64k iflag=fullblock oflag=direct 2>/dev/null
sum=$(head -c 1048576 "/dev/$disk" | sha256sum)
device=$(readlink -f "/sys/block/$disk/device")
function=$(basename "$(readlink -f "${device%/host*}")")

kmsg_mark
check "unbind" unbind "$function"
check "its disks have gone" fewer
check "the disks' caches were flushed" kmsg_has 'Synchronizing SCSI cache'
check "no command was refused meanwhile" eval "! kmsg_has 'failed|rror'"
check "bind" bind "$function"
check "its disks are there" wait_for 20 disk_count 2
settle
disk=$(disk_by_serial IRON0000)
check "with their data" [ "$(head -c 1048576 "/dev/$disk" | sha256sum)" = "$sum" ]

exec 7<"/dev/$disk"
if rmmod "$DRIVER" 2>/dev/null; then
	fail "the module stays while a disk is open"
else
	pass "the module stays while a disk is open"
fi
exec 7<&-

reads "$disk" &
reader=$!
wait_for 20 [ -e /tmp/reads ] || die "no I/O"
check "unbind under I/O" unbind "$function"
wait_for 20 ended "$reader" || die "I/O hangs"
check "the modules can be unloaded" wait_for 20 unload_modules
finish
