#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A path that holds I/O past its deadline fails, and what it holds is never sent beside the command that is
# held: a late write must not land over a newer one. Where the table says so, such commands are aborted.
# topology: mpath-debug
# modules: scsi_debug
# timeout: 300
# allow-log: I/O error, dev sd|Buffer I/O error on dev sd|tag#[0-9]+ (Timeout command|FAILED Result) | commands are made to time out
# tests: 52
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
# shellcheck source=tests/guest/mpath/lib.sh
. /ironpath/mpath.sh
set -eu
plan 52

SECTORS=1048576
# Seconds in which all that is aborted has come back; a command times out after TIMEOUT.
SOON=20
TIMEOUT=60
# With it scsi_debug logs each reset. Those of the device are no surprise: it does not know the commands that
# it does not answer, and cannot abort them.
RESET_NOISE=0x2000
resets() { kmsg_all | grep -c 'doing host reset' || :; }

read_map() { dd if=/dev/mapper/m of=/dev/null bs=4k count=1 iflag=direct 2>/dev/null; }
pattern() { yes "$1" | dd bs=4k count=1 iflag=fullblock 2>/dev/null; }
# write_pattern TEXT DEVICE [BLOCK]
write_pattern() { pattern "$1" | dd of="$2" bs=4k count=1 seek="${3:-0}" oflag=direct iflag=fullblock 2>/dev/null; }
# holds DEVICE TEXT [BLOCK]: that is what lies there.
holds() { [ "$(dd if="$1" bs=4k count=1 skip="${3:-0}" iflag=direct 2>/dev/null | head -n 1)" = "$2" ]; }
old_then_new() { write_pattern old "$1" && write_pattern new "$1"; }

held_read() {
	map_create m "0 $SECTORS multipath 4 queue_mode $1 path_deadline_msecs 400 0 1 1 round-robin 0 2 1 $first 1 $second 1"
	read_map
	kmsg_mark
	ctl hold disk0 read stuck
	read_map &
	reader=$!
	check "$1: a path that holds a read past the deadline fails" wait_for 20 failed_paths m 1
	check "$1: the log says why" kmsg_has "holds I/O for more than 400 ms"
	check "$1: the other path works" read_map
	check "$1: the held read still waits" kill -0 "$reader"
	ctl release disk0 stuck
	check "$1: released, it ends well" wait "$reader"
	check "$1: its path is not lent before it is reinstated" failed_paths m 1
	map_remove m
}

# held_write MODE: who writes twice to one place sends the second when the first has ended.
held_write() {
	write_pattern none "/dev/$disk1"
	map_create m "0 $SECTORS multipath 4 queue_mode $1 path_deadline_msecs 400 0 1 1 round-robin 0 2 1 $first 1 $second 1"
	ctl hold disk0 write stuck
	old_then_new /dev/mapper/m &
	writer=$!
	check "$1: a path that holds a write past the deadline fails" wait_for 20 failed_paths m 1
	if wait_for 3 ended "$writer"; then
		fail "$1: the held write is not sent again"
	else
		pass "$1: the held write is not sent again"
	fi
	check "$1: nothing of it is on the disk" holds "/dev/$disk2" none
	ctl release disk0 stuck
	check "$1: it ends well" wait "$writer"
	check "$1: the newer one is what stays" holds "/dev/$disk2" new
	map_remove m
}

# What the above must not do, done by hand: the write is sent again over the other path, then a newer one.
late_write() {
	ctl hold disk0 write stuck
	write_pattern old "/dev/$disk1" &
	writer=$!
	waits() { [ "$(awk '{ print $1 + $2 }' "/sys/block/$disk1/inflight")" = 1 ]; }
	wait_for 20 waits || die "the write is not held"
	old_then_new "/dev/$disk2"
	check "sent again too early, the newer one is there" holds "/dev/$disk2" new
	ctl release disk0 stuck
	wait "$writer"
	check "until the held one lands over it" holds "/dev/$disk2" old
}

# in_driver FLAG: a request with this flag is with the driver of a path.
in_driver() {
	cat /sys/kernel/debug/block/"$disk1"/hctx*/busy /sys/kernel/debug/block/"$disk2"/hctx*/busy | grep -q "[=|]$1[|,]"
}

# sent_to_fail MODE: what can be aborted is sent so from the start; a driver's request is not changed later.
sent_to_fail() {
	map_create m "0 $SECTORS multipath 5 queue_mode $1 path_deadline_msecs 600000 path_deadline_abort 0 1 1 round-robin 0 2 1 $first 1 $second 1"
	ctl hold disk0 read stuck
	read_map &
	read_map &
	check "$1: sent while there is another path, it fails with the device's first error" \
		wait_for 20 in_driver FAILFAST_DEV
	check "$1: not with the driver's" eval "! in_driver FAILFAST_DRIVER"
	ctl release disk0 stuck
	wait
	map_message m fail_path "$second"
	ctl hold disk0 read stuck
	read_map &
	check "$1: sent on the last path, it can be tried again" wait_for 20 in_driver FAILFAST_TRANSPORT
	check "$1: by the device as well" eval "! in_driver FAILFAST_DEV"
	ctl release disk0 stuck
	wait
	map_message m reinstate_path "$second"
	ctl hold disk0 read stuck
	read_map &
	read_map &
	check "$1: not when the other path is back" wait_for 20 in_driver FAILFAST_DEV
	ctl release disk0 stuck
	wait
	map_remove m
}

write_all() {
	for block in 0 1 2 3; do
		write_pattern "$1 $block" /dev/mapper/m $block || return
	done
}
holds_all() {
	for block in 0 1 2 3; do
		holds "$1" "$2 $block" $block || return
	done
}

aborted() {
	map_create m "0 $DEBUG_SECTORS multipath 5 queue_mode $1 path_deadline_msecs 1000 path_deadline_abort 0 1 1 round-robin 0 2 1 $(number_of "$silent") 1 $(number_of "$other") 1"
	check "$1: the table says so" eval "map_table m | grep -q '^[0-9] .*path_deadline_msecs 1000 path_deadline_abort 0 1 1 '"
	no_answer "$silent" $WRITE10
	write_all "$1" &
	writer=$!
	check "$1: held writes are aborted and sent again" wait_for $SOON ended "$writer"
	check "$1: they end well" wait "$writer"
	check "$1: the silent path has failed" failed_paths m 1
	answers "$silent" $WRITE10
	check "$1: all is there" holds_all "/dev/$other" "$1"
	map_message m reinstate_path "$(number_of "$silent")"
	no_answer "$silent" $READ10
	holds_all /dev/mapper/m "$1" &
	reader=$!
	check "$1: held reads are aborted and sent again" wait_for $SOON ended "$reader"
	check "$1: what they read is right" wait "$reader"
	answers "$silent" $READ10
	map_remove m
}

modprobe virtio_scsi
find_paths 2
mountpoint -q /sys/kernel/debug || mount -t debugfs debugfs /sys/kernel/debug
load_target || die "no target"
for mode in rq bio; do
	held_read $mode
	held_write $mode
	sent_to_fail $mode
done
late_write

debug_paths opts=$RESET_NOISE || die "no disks"
echo $TIMEOUT >"/sys/block/$silent/device/timeout"
for mode in rq bio; do
	aborted $mode
done
# What is behind other devices may do a command after its driver has given it up.
dmsetup create --noudevsync linear --table "0 $SECTORS linear $second 0"
kmsg_mark
if map_create m "0 $SECTORS multipath 5 queue_mode bio path_deadline_msecs 1000 path_deadline_abort 0 1 1 round-robin 0 1 1 $(dmsetup info -c --noheadings -o major,minor --separator : linear) 1"; then
	fail "only SCSI disks can be told to abort"
else
	check "only SCSI disks can be told to abort" kmsg_has "path_deadline_abort needs whole SCSI disks"
fi
dmsetup remove --noudevsync m 2>/dev/null || :
dmsetup remove --noudevsync linear
check "the target can be unloaded" unload_target
check "no host was reset" [ "$(resets)" = 0 ]
sg_reset -N -H "/dev/$silent"
check "a reset would have been seen" [ "$(resets)" = 1 ]
finish
