# SPDX-License-Identifier: GPL-2.0
# The stock driver finds the disks of each topology and moves data: what the guests promise.
# topology: gen2
# topology: gen1,msix=off
# timeout: 60
# tests: 3
. /ironpath/lib.sh
set -eu
DRIVER=megaraid_sas
plan 3

load_modules
check "two disks" wait_for 20 disk_count 2
disk=$(disk_by_serial IRON0001)
check "second disk by its serial number" [ -b "/dev/$disk" ]
seq 1 20000 | dd of="/dev/$disk" bs=64k conv=fsync iflag=fullblock
data=$(seq 1 20000 | wc -c)
check "data comes back" [ "$(head -c "$data" "/dev/$disk" | sha256sum)" = "$(seq 1 20000 | sha256sum)" ]
finish
