#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Errors injected below a disk reach the guest for the right sectors, and requests can be held.
# topology: blkdebug
# timeout: 120
# allow-log: critical medium error, dev sd | errors are injected below the disk
# tests: 9
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
set -eu
DRIVER=megaraid_sas
plan 9

read_sector() { dd if="/dev/$disk" of=/dev/null bs=512 skip="$1" count=1 iflag=direct 2>&1; }
write_sector() { dd if=/dev/zero of="/dev/$disk" bs=512 seek="$1" count=1 oflag=direct 2>&1; }
fails() { ! "$@"; }
# The first number: requests that the device has and has not answered.
held() { [ "$(awk '{ print $1 + $2 }' "/sys/block/$disk/inflight")" -ge 1 ]; }

load_modules
wait_for 20 disk_count 2 || die "no disks"
disk=$(disk_by_serial IRON0000)

# 61 is ENODATA, which scsi-hd reports as a medium error.
ctl inject disk0 read 2048 61
kmsg_mark
check "reading the bad sector fails" fails read_sector 2048
kmsg_since
check "with a medium error" wait_for 5 kmsg_has 'Sense Key : Medium Error'
check "the sector before it is good" read_sector 2047
check "writing the bad sector is good" write_sector 2048
ctl heal disk0
check "healed, the sector is good" read_sector 2048

ctl inject disk0 write any 61 once
check "any write fails" fails write_sector 100
check "only one write fails" write_sector 100

ctl hold disk0 read first
read_sector 4096 &
reader=$!
check "a read is held" wait_for 10 held
ctl release disk0 first
check "released, it ends well" wait "$reader"
finish
