#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What sysfs says of a host, where its disks are, and how many commands it takes.
# topology: gen2
# topology: gen2,use_jbod=on
# topology: gen1,max_cmds=100
# timeout: 60
# tests: 10
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
set -eu
plan 10

attribute() { cat "/sys/class/scsi_host/$host/$1"; }

load_modules
wait_for 20 disk_count 2 || wait_for 1 disk_count 1 || die "no disks"
settle
host=$(hosts)
disk=$(disk_by_serial IRON0000)
case $IRONPATH_TOPOLOGY in
*use_jbod=on*) channel=0 ;;
*) channel=2 ;;
esac
case $IRONPATH_TOPOLOGY in
*max_cmds=100*) commands=100 ;;
gen1*) commands=1000 ;;
*) commands=1008 ;;
esac
check "proc_name is the module's" [ "$(attribute proc_name)" = "$DRIVER" ]
# 33 are the firmware's own; a disk gets 256 unless there are fewer.
depth=$((commands - 33))
[ $depth -le 256 ] || depth=256
check "can_queue is the firmware's limit less 33" [ "$(attribute can_queue)" = $((commands - 33)) ]
check "cmd_per_lun is 256, or all there are" [ "$(attribute cmd_per_lun)" = $depth ]
check "nothing is outstanding" [ "$(attribute fw_cmds_outstanding)" = 0 ]
check "no reply was a stray" [ "$(attribute fw_stray_replies)" = 0 ]
check "there were no resets" [ "$(attribute fw_resets)" = 0 ]
# OSP0: firmware state 12, operational.
check "the registers show an operational firmware" eval "attribute dump_system_regs | grep -Eq '^\[b0\]: c'"
case $channel in
0) target='physical 0' ;;
*) target='logical 0' ;;
esac
check "the disk is the firmware's $target" [ "$(cat "/sys/block/$disk/device/fw_target")" = "$target" ]
at=$(basename "$(readlink -f "/sys/block/$disk/device")")
check "the disk is at channel $channel, id 0" [ "$at" = "${host#host}:$channel:0:0" ]

# What happens at the end, and in which order: flush, shutdown, interrupts off.
echo 2 >"/sys/bus/pci/drivers/$DRIVER/dbg_lvl"
kmsg_mark
wait_for 20 unload_modules 2>/dev/null
ended=$(kmsg_since | grep -Eo 'firmware command .*|interrupts off' | tr '\n' ';')
echo "$ended"
check "the firmware is flushed, shut down, silenced, in this order" \
	[ "$ended" = "firmware command 0x01101000: Ok(());firmware command 0x01050000: Ok(());interrupts off;" ]
finish
