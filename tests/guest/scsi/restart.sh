#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Error handling starts a stopped unit (allow_restart) and then ends all of its commands, without asking the
# driver: a late command that the controller still has must not be ended with them.
#
# The first command to the unit ends NOT READY by a probe in the kernel (tests/modules/notready.c); the late
# one waits in a throttle below the disk. Its abort has been tried before, so that no further one is.
# topology: gen2
# topology: gen1
# timeout: 180
# tests: 11
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
# shellcheck source=tests/guest/scsi/lib.sh
. /ironpath/scsi.sh
set -eu
plan 11

# A read of 64 KiB uses up the throttle for sixteen seconds.
TIMEOUT=5
# In blocks of 512 bytes; beyond what is read.
LBA=1024

attribute() { cat "/sys/class/scsi_host/$host/$1"; }
probe() { cat "/sys/module/notready/parameters/$1"; }
stopped() { [ "$(probe times)" = 0 ]; }
stop_unit() { echo 1 >/sys/module/notready/parameters/times; }
read_late() { dd if="/dev/$disk" bs=65536 skip=1 count=1 iflag=direct 2>/dev/null | sha256sum; }
# write_block: the block that finds the unit stopped.
write_block() { dd if=/tmp/block of="/dev/$disk" bs=512 seek=$LBA count=1 oflag=direct 2>/dev/null; }
outstanding() { [ "$(attribute fw_cmds_outstanding)" = "$1" ]; }

load_modules
wait_for 20 disk_count 2 || wait_for 1 disk_count 1 || die "no disks"
settle
host=$(hosts)
disk=$(disk_by_serial IRON0000)
insmod /ironpath/modules/notready.ko lba=$LBA || die "no probe"
head -c 1048576 /dev/urandom >/tmp/data
dd if=/tmp/data of="/dev/$disk" bs=64k oflag=direct 2>/dev/null
head -c 512 /dev/urandom >/tmp/block
dd if=/tmp/block of=/tmp/data bs=512 seek=$LBA conv=notrunc 2>/dev/null
echo $TIMEOUT >"/sys/block/$disk/device/timeout"
echo $TIMEOUT >"/sys/block/$disk/device/eh_timeout"
restart=$(echo "/sys/block/$disk/device/scsi_disk/"*/allow_restart)
echo 1 >"$restart"
throttle_disk || die "the disk cannot be made slow"

# Nothing is late: the unit is started, and the write is tried again.
stop_unit
check "a stopped unit is started, and written" write_block
check "START UNIT of error handling succeeded" [ "$(probe started) $(probe refused)" = "1 0" ]

kmsg_mark
throttle "$SLOW"
read_late >/dev/null
read_late >/tmp/late &
reader=$!
check "a late command is aborted" wait_for 60 kmsg_has 'tag [0-9]+ aborted'
check "it is tried again" wait_for 10 outstanding 1
# It waits in the throttle whatever the limits are now, which must be gone before it is tried a third time.
throttle "$FAST"
stop_unit
write_block &
writer=$!
check "the write finds the unit stopped" wait_for 10 stopped
check "the driver still has the late command" outstanding 1
wait_for 60 kmsg_has 'logical drive [0-9]+ reset' || :
check "START UNIT was refused meanwhile, a reset followed" \
	eval "[ \"\$(probe started) \$(probe refused)\" = '1 1' ] && kmsg_has 'logical drive [0-9]+ reset'"
wait "$reader" || :
check "the late command has its data" \
	[ "$(cat /tmp/late)" = "$(dd if=/tmp/data bs=65536 skip=1 count=1 2>/dev/null | sha256sum)" ]
check "the write succeeded" wait "$writer"
check "nothing is outstanding" outstanding 0
check "all data are there" cmp -n 1048576 /tmp/data "/dev/$disk"
finish
