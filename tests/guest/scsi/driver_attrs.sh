#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The attributes of the driver as a whole come and go with it. Where they cannot be made, the disks are there
# all the same, and a line says what is not.
# topology: gen2
# timeout: 150
# tests: 10
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
set -eu
plan 10

folder=/sys/bus/pci/drivers/rmegasas

insert_needed "$DRIVER"
check "the driver loads" load_modules
check "it has its version" grep -qx '[0-9][0-9.]*' "$folder/version"
check "and its debug level, which can be set" eval "echo 3 >$folder/dbg_lvl && grep -qx 3 $folder/dbg_lvl"
check "the debug level accepts only its own bits" eval "! echo 4 >$folder/dbg_lvl && ! echo x >$folder/dbg_lvl"
wait_for 20 disk_count 2 || die "no disks"
# A file that is open keeps neither the driver nor its memory.
exec 7<"$folder/version"
check "the attributes go with the driver" eval "rmmod rmegasas && [ ! -e $folder ]"
check "an attribute that is still open cannot be read" eval "! cat <&7"
exec 7<&-

# The last ones that loading makes are the driver's own. (The first time there were others.)
insmod /ironpath/modules/failcall.ko function=sysfs_create_groups at=0
load_modules
calls=$(cat /sys/module/failcall/parameters/calls)
echo "$calls lists of attributes"
rmmod failcall
rmmod rmegasas
kmsg_mark
insmod /ironpath/modules/failcall.ko function=sysfs_create_groups value=-12 at="$calls"
check "where they cannot be made the driver loads" load_modules
rmmod failcall
check "the attributes are missing" [ ! -e "$folder/version" ]
check "the log says so" kmsg_has 'rmegasas: driver attributes not made: ENOMEM'
check "the disks are there" wait_for 20 disk_count 2
finish
