#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A command that takes too long is aborted and tried again; if it is late again the logical drive is
# reset, and in JBOD mode, where there is no such reset, the host. No data are lost.
#
# The disk is slow because a throttle lies below it. A request that blkdebug holds must not be aborted:
# QEMU waits in the abort until the request has ended, and can no longer be told to release it.
# topology: gen2
# topology: gen2,msix=off,msi=off
# topology: gen2,use_jbod=on
# topology: gen1
# timeout: 180
# tests: 14
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
# shellcheck source=tests/guest/scsi/lib.sh
. /ironpath/scsi.sh
set -eu
plan 14

# A read of 32 KiB uses up the throttle for eight seconds, one of 4 KiB for one: the next read waits so
# long. Writes are free.
TIMEOUT=3

attribute() { cat "/sys/class/scsi_host/$host/$1"; }
# read_late COUNT: so many times 4 KiB.
read_late() { dd if="/dev/$disk" bs=$(($1 * 4096)) skip=1 count=1 iflag=direct 2>/dev/null | sha256sum; }
# tried_again: the late command was aborted, and is outstanding once more.
tried_again() { kmsg_has 'tag [0-9]+ aborted' && [ "$(attribute fw_cmds_outstanding)" = 1 ]; }
wanted() { dd if=/tmp/data bs=$(($1 * 4096)) skip=1 count=1 2>/dev/null | sha256sum; }

load_modules
wait_for 20 disk_count 2 || wait_for 1 disk_count 1 || die "no disks"
settle
host=$(hosts)
disk=$(disk_by_serial IRON0000)
head -c 1048576 /dev/urandom >/tmp/data
dd if=/tmp/data of="/dev/$disk" bs=64k oflag=direct 2>/dev/null
echo $TIMEOUT >"/sys/block/$disk/device/timeout"
echo $TIMEOUT >"/sys/block/$disk/device/eh_timeout"
throttle_disk || die "the disk cannot be made slow"

# said REGEX: how many such lines the kernel log has since the mark.
said() { kmsg_since | grep -Ec "$1"; }

trace_start megasas_init_firmware megasas_initq_mapped megasas_dcmd_reset_ld "megasas_abort_*" scsi_req_cancel
kmsg_mark
throttle "$SLOW"
# The first finds the throttle unused; the second waits too long, tried again it does not.
read_late 8 >/dev/null
read_late 1 >/tmp/first &
reader=$!
check "a late command is aborted" wait_for 30 kmsg_has 'tag [0-9]+ aborted'
wait "$reader" || :
throttle "$FAST"
check "it was tried again, and has its data" [ "$(cat /tmp/first)" = "$(wanted 1)" ]
check "the disk gets fewer commands from now on" [ "$(cat "/sys/block/$disk/device/queue_depth")" -le 16 ]
check "no further step was needed" eval "! kmsg_has 'drive [0-9]+ reset|host reset'"

aborts=$(said 'tag [0-9]+ aborted')
check "QEMU: the firmware was asked for as many aborts as the driver says" traced "$aborts" megasas_abort
check "QEMU: each ended one request of the disk, and nothing else came" eval \
	"traced $aborts 'scsi_req_cancel target 0 ' && traced $((2 * aborts)) ."

case $IRONPATH_TOPOLOGY in
*use_jbod=on*) step='host reset done' event=megasas_init_firmware ;;
*) step='logical drive [0-9]+ reset' event=megasas_dcmd_reset_ld ;;
esac
trace_mark
kmsg_mark
throttle "$SLOW"
read_late 8 >/dev/null
read_late 8 >/tmp/second &
reader=$!
# Once it waits in the throttle, the limits do not matter to it any more. They must be gone before it is tried a
# third time, which is right after the reset.
wait_for 60 tried_again || :
throttle "$FAST"
check "late again, a reset follows the abort" wait_for 60 kmsg_has "$step"
wait "$reader" || :
check "the command has its data" [ "$(cat /tmp/second)" = "$(wanted 8)" ]
check "the abort came first" eval "kmsg_since | grep -Eo 'tag [0-9]+ aborted|$step' | head -n 1 | grep -q aborted"
steps=$(said "$step")
aborts=$(said 'tag [0-9]+ aborted')
check "QEMU: as many resets as the driver says" eval "[ $steps -ge 1 ] && traced $steps $event"
check "QEMU: as many aborts, and no other reset" eval \
	"traced $aborts megasas_abort && traced $((steps + aborts)) megasas_"
check "host resets are counted" [ "$(attribute fw_resets)" = "$(said 'host reset done')" ]
check "nothing is outstanding" [ "$(attribute fw_cmds_outstanding)" = 0 ]
check "all data are there" cmp -n 1048576 /tmp/data "/dev/$disk"
finish
