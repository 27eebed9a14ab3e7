#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The modules can be loaded and unloaded again and again, and leave nothing behind.
# topology: gen2
# topology: two-hba,msix=off,msi=off
# timeout: 400
# tests: 8
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
set -eu
plan 8

# The first rounds fill caches; what is lost after them is lost for good.
WARM=10
ROUNDS=50
# A round that forgot its reply ring or frames alone would lose more than a megabyte.
LOSS_KIB=6144

vectors() { awk -F: '/^ *[0-9]+:/' /proc/interrupts | wc -l; }
threads() { cat /proc/[0-9]*/comm 2>/dev/null | grep -c '^scsi_' || :; }
available() {
	sync
	echo 3 >/proc/sys/vm/drop_caches
	awk '/^MemAvailable:/ { print $2 }' /proc/meminfo
}
none_of() { ! grep -q "$1" "$2"; }
# Something of the disks' scan may still be in use: that is refused, which is right.
unloaded() { unload_modules; }

vectors_before=$(vectors)
threads_before=$(threads)
failed=0
round=0
while [ "$round" -lt "$ROUNDS" ]; do
	round=$((round + 1))
	insmod /ironpath/modules/storage.ko
	insmod "/ironpath/modules/$DRIVER.ko" || failed=$((failed + 1))
	case $round in
	1)
		check "the first load finds the disks" wait_for 20 disk_count 2
		;;
	"$ROUNDS")
		check "the last load finds the disks" wait_for 20 disk_count 2
		settle
		disk=$(disk_by_serial IRON0001)
		check "a disk can be read" dd if="/dev/$disk" of=/dev/null bs=64k count=16 iflag=direct
		;;
	esac
	# Every second round the scan is not waited for.
	[ $((round % 2)) = 0 ] || settle
	wait_for 20 unloaded 2>/dev/null || failed=$((failed + 1))
	if [ "$round" = "$WARM" ]; then
		available_before=$(available)
		echo "available after $WARM rounds: $available_before KiB"
	fi
done
available_after=$(available)
echo "available after $ROUNDS rounds: $available_after KiB"

check "each of $ROUNDS rounds loads and unloads" [ "$failed" = 0 ]
check "memory comes back" [ "$available_after" -gt $((available_before - LOSS_KIB)) ]
check "no interrupt vector is left" [ "$(vectors)" = "$vectors_before" ]
check "no register region and no interrupt has the driver's name" \
	none_of "$DRIVER" /proc/iomem /proc/interrupts
check "no error-handler thread is left" [ "$(threads)" = "$threads_before" ]
finish
