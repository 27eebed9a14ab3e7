#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# With hardly any memory the driver either loads or fails cleanly, and works when there is memory again.
# (What happens when one allocation fails is in probe_fail.sh.)
# topology: gen2,mem=512
# timeout: 120
# tests: 6
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
set -eu
plan 6

free_mib() { awk '/^MemFree:/ { print int($2 / 1024) }' /proc/meminfo; }
# take LEFT: huge pages take the memory, but for about so many MiB, or the pieces that are too small.
take() {
	echo 3 >/proc/sys/vm/drop_caches
	echo $((($(free_mib) - $1) / 2)) >/proc/sys/vm/nr_hugepages
	echo "$1 MiB wanted, $(free_mib) MiB free"
}
give_back() { echo 0 >/proc/sys/vm/nr_hugepages; }

clean=yes
least=1000
loaded=0
refused=0
insert_needed "$DRIVER"
for left in 32 16 8 0; do
	take $left
	free=$(free_mib)
	[ "$free" -ge "$least" ] || least=$free
	if answer=$(insmod "/ironpath/modules/$DRIVER.ko" 2>&1); then
		loaded=$((loaded + 1))
	else
		refused=$((refused + 1))
		case $answer in
		*"Cannot allocate memory"*) ;;
		*) clean=no ;;
		esac
		echo "$left MiB: $answer"
	fi
	give_back
	[ ! -d "/sys/module/$DRIVER" ] || wait_for 20 rmmod "$DRIVER" || clean=no
done
echo "$loaded times loaded, $refused times refused, $least MiB at least"
check "memory was short" [ "$least" -lt 24 ]
check "it loads, or there is no memory" [ "$clean" = yes ]
check "a probe fails with ENOMEM only" eval "! kmsg_all | grep 'probe.* failed with error' | grep -qv 'error -12'"
load_modules
check "with memory it finds the disks" wait_for 20 disk_count 2
disk=$(disk_by_serial IRON0001)
check "a disk can be read" dd if="/dev/$disk" of=/dev/null bs=64k count=16 iflag=direct
check "the modules can be unloaded" wait_for 20 unload_modules
finish
