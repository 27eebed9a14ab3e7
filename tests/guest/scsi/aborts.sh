#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Many commands that are late together are aborted one after another, and not each of the aborts waits for a
# grace period of RCU.
# topology: gen2
# timeout: 180
# tests: 5
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
set -eu
plan 5
require_cmd fio

# So many reads are outstanding; the disk serves so many in a second, and none may take longer than one.
DEPTH=250
IOPS=20

attribute() { cat "/sys/class/scsi_host/$host/$1"; }
late() { echo $(($(cat "/sys/block/$disk/device/iotmo_cnt"))); }
enough() { [ "$(late)" -ge 100 ]; }
idle() { [ "$(attribute fw_cmds_outstanding)" = 0 ]; }

load_modules throttlequeuedepth=0
wait_for 20 disk_count 2 || die "no disks"
settle
host=$(hosts)
disk=$(disk_by_serial IRON0000)
echo 1 >"/sys/block/$disk/device/timeout"
# Aborts run on a work queue: calls by others than its workers do not count.
insmod /ironpath/modules/failcall.ko function=synchronize_rcu at=0 comm=kworker || die "no probe"

kmsg_mark
ctl throttle disk0 $IOPS
fio --output-format=terse --ioengine=libaio --direct=1 --rw=randread --bs=4k --iodepth=$DEPTH --size=16m \
	--number_ios=$DEPTH --name=late --filename="/dev/$disk" >/dev/null &
fio=$!
check "a hundred commands are late together" wait_for 30 enough
check "they are aborted" wait_for 30 kmsg_has 'tag [0-9]+ aborted'
ctl throttle disk0 0
check "the reads end" wait "$fio"
waits=$(cat /sys/module/failcall/parameters/calls)
say "$(late) aborts, $waits waits for a grace period"
check "not each abort waited for a grace period" [ "$waits" -lt $(($(late) / 4)) ]
check "nothing is outstanding" wait_for 30 idle
finish
