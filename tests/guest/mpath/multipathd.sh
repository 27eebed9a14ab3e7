#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The distribution's multipathd, unchanged, with udev: makes a map over megasas and virtio-scsi paths, follows
# losses and returns, changes the queueing, and takes the map away.
# topology: mpath
# timeout: 300
# modules: dm_multipath dm_round_robin dm_queue_length dm_service_time
# allow-log: I/O error, dev sd|Buffer I/O error on dev sd | paths are made to fail
# allow-log: rejecting I/O to offline device | paths are set offline under I/O
# tests: 18
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
# shellcheck source=tests/guest/mpath/lib.sh
. /ironpath/mpath.sh
set -eu
plan 18
require_cmd multipathd multipath python3

WWID=35000c50000000100

queueing() { [ "$(multipathd show maps raw format "%w %Q" | sed -n "s/^$WWID *//p")" = "$1" ]; }
reads() { dd if="/dev/mapper/$WWID" of=/dev/null bs=64k count=8 iflag=direct 2>/dev/null; }

# shown FILE: what the programs say of the map goes there, but for times and for counts of events.
shown() {
	# A group is the active one from its first I/O.
	wait_for 20 [ -b "/dev/mapper/$WWID" ] && reads || die "the map cannot be read"
	multipath -ll $WWID >"$1"
	multipathd show paths format "%i %d %D %t %T %o %s %p %w" >>"$1"
	multipathd show maps format "%n %w %d %t %Q %r %N %0 %S %f %x" >>"$1"
	multipathd show status >>"$1"
	cat "$1"
}
no_more() { multipathd shutdown >/dev/null 2>&1 || :; wait_for 30 multipath -f $WWID; }

load_paths
wait_for 20 path_count IRON0000 3 || die "no paths"
start_udev
# The same with the stock target, to compare.
TARGET=dm_multipath
load_target || die "no stock target"
start_multipathd "find_multipaths yes" "no_path_retry queue" || die "multipathd does not answer"
wait_for 60 has_map $WWID && wait_for 30 paths_in $WWID "active ready" 3 || die "no map of the stock target's"
shown /tmp/stock
no_more || die "the stock target's map stays"
wait_for 20 unload_target || die "the stock target stays"
TARGET=rmpath
load_target || die "no target"
start_multipathd "find_multipaths yes" "no_path_retry queue" || die "multipathd does not answer"
check "a map" wait_for 60 has_map $WWID
check "of three paths" wait_for 30 paths_in $WWID "active ready" 3
shown /tmp/own
check "multipath and multipathd show what they show of the stock target's" diff -u /tmp/stock /tmp/own
check "multipath -ll shows them" [ "$(multipath -ll "$WWID" | grep -c 'active ready running')" = 3 ]
check "with the features and the handler" eval "multipath -ll $WWID | grep -q \"features='1 queue_if_no_path' hwhandler='0' wp=rw\""
check "the node of udev" wait_for 20 [ -b "/dev/mapper/$WWID" ]
check "it reads" reads

udevadm monitor --kernel --property --subsystem-match=block >/tmp/uevents &
monitor=$!
verify_start "/dev/mapper/$WWID" 16m
moves "$WWID" || die "no I/O"
# shellcheck disable=SC2046 # words
set -- $(paths_to IRON0000)
echo offline >"/sys/block/$2/device/state"
check "a path is lost" wait_for 60 paths_in $WWID "failed" 1
check "two are left" paths_in $WWID "active ready" 2
check "a uevent says so" wait_for 20 grep -q "DM_ACTION=PATH_FAILED" /tmp/uevents
check "with what is left" grep -q "DM_NR_VALID_PATHS=2" /tmp/uevents
echo running >"/sys/block/$2/device/state"
check "it returns" wait_for 60 paths_in $WWID "active ready" 3
check "a uevent says so, too" wait_for 20 grep -q "DM_ACTION=PATH_REINSTATED" /tmp/uevents
kill "$monitor"
check "I/O goes on" moves "$WWID"
check "and is verified" verify_stop

multipathd disablequeueing map "$WWID"
check "queueing is disabled" eval "dmsetup table $WWID | grep -q ' multipath 0 '"
multipathd restorequeueing map "$WWID"
check "and restored" wait_for 20 queueing "on"
check "the map goes" no_more
finish
