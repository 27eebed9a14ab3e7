#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A driver whose host reset says that all is well, but leaves a command outstanding: error handling waits a
# few seconds, names the command and ends it with an error, and the driver can be unloaded.
#
# The reset of the driver is not entered (tests/modules/failcall.c). There is no reset of a physical drive,
# so the host's is the first step for a command whose abort has been tried before, as in timeout.sh.
# topology: gen2,use_jbod=on
# timeout: 180
# allow-log: Device offlined | the host reset has failed, as far as the mid-layer knows
# allow-log: I/O error, dev | the command that was left is ended with an error
# tests: 8
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
set -eu
plan 8

# A read of 64 KiB uses up the throttle for sixteen seconds.
SLOW='{"iops-read": 1, "iops-size": 4096}'
FAST='{"iops-read": 0, "iops-size": 0}'
TIMEOUT=3

set_up() {
	ctl qmp '{"execute": "object-add", "arguments": {"qom-type": "throttle-group", "id": "slow"}}'
	node='"driver": "throttle", "node-name": "slow", "throttle-group": "slow", "file": "d0-file"'
	ctl qmp "{\"execute\": \"blockdev-add\", \"arguments\": {$node}}"
	node='"driver": "raw", "node-name": "d0", "file": "slow", "discard": "unmap"'
	ctl qmp "{\"execute\": \"blockdev-reopen\", \"arguments\": {\"options\": [{$node}]}}"
}
speed() {
	limits="\"path\": \"/objects/slow\", \"property\": \"limits\", \"value\": $1"
	ctl qmp "{\"execute\": \"qom-set\", \"arguments\": {$limits}}"
}
attribute() { cat "/sys/class/scsi_host/$host/$1"; }
read_late() { dd if="/dev/$disk" of=/dev/null bs=65536 skip=1 count=1 iflag=direct 2>/dev/null; }
outstanding() { [ "$(attribute fw_cmds_outstanding)" != 0 ]; }
stray() { [ "$(attribute fw_stray_replies)" = "$1" ]; }

load_modules
wait_for 20 disk_count 1 || wait_for 1 disk_count 2 || die "no disks"
settle
host=$(hosts)
disk=$(disk_by_serial IRON0000)
reset=$(awk '$4 == "[rmegasas]" && $3 ~ /^_R.*10reset_host$/ { print $3; exit }' /proc/kallsyms)
insmod /ironpath/modules/failcall.ko function="$reset" value=0 at=1 until=9 comm=scsi_eh || die "no probe of $reset"
echo $TIMEOUT >"/sys/block/$disk/device/timeout"
echo $TIMEOUT >"/sys/block/$disk/device/eh_timeout"
set_up || die "the disk cannot be made slow"

kmsg_mark
speed "$SLOW"
read_late
read_late &
reader=$!
check "a late command is aborted" wait_for 60 kmsg_has 'tag [0-9]+ aborted'
# Once it is tried again, it waits in the throttle whatever the limits are.
wait_for 10 outstanding || :
speed "$FAST"
check "late again, a host reset leaves it" \
	wait_for 30 kmsg_has 'tag [0-9]+ was left outstanding by a host reset; ended with an error'
check "the driver's reset was called, and not entered" [ "$(cat /sys/module/failcall/parameters/calls)" -ge 1 ]
check "no command is outstanding" [ "$(attribute fw_cmds_outstanding)" = 0 ]
check "the reader was given an error" eval "! wait $reader"
check "the controller's answer comes later, and is nobody's" wait_for 60 stray 1
rmmod failcall
check "the driver is unloaded" unload_modules
check "and loaded again" load_modules
finish
