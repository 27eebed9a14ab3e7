#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Data written to a disk come back, on both generations, with every interrupt, RAID and JBOD, and with
# each format of scatter list: memory above 4 GiB needs one with 64-bit addresses.
# topology: gen2
# topology: gen2,msix=off,msi=on
# topology: gen2,msix=off,msi=off
# topology: gen2,use_jbod=on
# topology: gen1
# topology: gen1,msix=off,msi=on
# topology: gen1,msix=off,msi=off
# topology: gen1,use_jbod=on
# topology: gen1,use_jbod=on,msix=off,msi=off
# topology: gen2,mem=5120
# topology: gen1,mem=5120,msix=off
# timeout: 60
# tests: 4
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
set -eu
plan 4

case $IRONPATH_TOPOLOGY in
*mem=5120,msix=off*) format=Sge64 ;;
*mem=5120*) format=Ieee ;;
*) format=Sge32 ;;
esac
kmsg_mark
load_modules
check "two disks" wait_for 20 disk_count 2
check "the scatter list is $format" kmsg_has "scatter list [0-9]+ entries \($format\)"
disk=$(disk_by_serial IRON0001)
check "second disk by its serial number" [ -b "/dev/$disk" ]
seq 1 20000 | dd of="/dev/$disk" bs=64k conv=fsync iflag=fullblock
echo 3 >/proc/sys/vm/drop_caches
data=$(seq 1 20000 | wc -c)
check "data comes back" [ "$(head -c "$data" "/dev/$disk" | sha256sum)" = "$(seq 1 20000 | sha256sum)" ]
unload_modules
finish
