#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Persistent reservations over two paths: mpathpersist with multipathd, and the kernel's own interface for
# them, the ioctls of linux/pr.h, on the map; every path is registered, and what is reserved is reserved.
# topology: none
# timeout: 400
# modules: dm_multipath dm_round_robin dm_queue_length dm_service_time scsi_dh_alua target_core_mod tcm_loop
# allow-log: reservation conflict | one is asked for
# tests: 50
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
# shellcheck source=tests/guest/mpath/lib.sh
. /ironpath/mpath.sh
set -eu
plan 50
require_cmd multipathd mpathpersist sg_persist python3

MAP=/dev/mapper/$LIO_WWID
SECTORS=65536
KEY=0xabc123
OTHER_KEY=0xdef456

# ask OPTION PATH: what PATH answers; the first answer may be the news that somebody has changed something.
ask() { sg_persist --in "$1" "/dev/$2" 2>&1 || sg_persist --in "$1" "/dev/$2" 2>&1; }
# registered PATH KEY N: the disk has N registrations, all with this key, as PATH sees it.
registered() {
	ask -k "$1" >/tmp/keys || return
	[ "$(grep -c "^ *$2$" /tmp/keys)" = "$3" ] && [ "$(grep -c '^ *0x' /tmp/keys)" = "$3" ]
}
# reserved PATH KEY TYPE: there is such a reservation, as PATH sees it. unreserved PATH: there is none.
reserved() {
	ask -r "$1" >/tmp/reservation || return
	grep -qi "key= *$2$" /tmp/reservation && grep -qi "type: $3" /tmp/reservation
}
unreserved() { ask -r "$1" | grep -q "there is NO reservation held"; }

# of_both COMMAND WORD...: holds as each path sees it.
of_both() {
	of_command=$1
	shift
	"$of_command" "$first" "$@" && "$of_command" "$second" "$@"
}

persist() { mpathpersist "$@" $MAP; }
says() {
	says_what=$1
	shift
	"$@" >/tmp/says 2>&1 || :
	cat /tmp/says
	grep -qi -- "$says_what" /tmp/says
}
writes() { dd if=/dev/zero of="$1" bs=4k count=8 oflag=direct 2>/dev/null; }
refused() { ! "$@" 2>/dev/null; }

# ioctl NAME NUMBER...: one of linux/pr.h on the map; its errno, or 0. A positive answer is a SCSI status.
ioctl() {
	python3 - "$@" <<'EOP'
import errno, fcntl, struct, sys
name, *values = sys.argv[1:]
calls = {"register": (200, "QQII"), "reserve": (201, "QII"), "release": (202, "QII"),
         "preempt": (203, "QQII"), "clear": (205, "QII")}
number, form = calls[name]
data = bytearray(struct.pack("=" + form, *(int(value, 0) for value in values)))
with open("/dev/mapper/m", "rb+", buffering=0) as device:
    try:
        answer = fcntl.ioctl(device, 1 << 30 | len(data) << 16 | ord("p") << 8 | number, data)
    except OSError as err:
        answer = errno.errorcode[err.errno]
print(f"{name} {values}: {answer}")
sys.exit(answer != 0)
EOP
}

with_multipathd() {
	start_udev
	start_multipathd "find_multipaths yes" "reservation_key $KEY" || die "multipathd does not answer"
	check "a map" wait_for 60 has_map $LIO_WWID
	check "of two paths" wait_for 30 paths_in $LIO_WWID "active ready" 2
	wait_for 20 [ -b $MAP ] || die "no node"
	check "mpathpersist: no keys at first" says "0 registered reservation key" persist --in -k
	check "mpathpersist: registers" persist --out --register --param-sark=$KEY
	check "mpathpersist: reads the key" says "^ *$KEY" persist --in -k
	check "mpathpersist: each path is registered" of_both registered $KEY 2
	check "mpathpersist: reserves, registrants only" persist --out --reserve --param-rk=$KEY --prout-type=5
	check "mpathpersist: reads the reservation" says "key = $KEY" persist --in -r
	check "mpathpersist: it is there" of_both reserved $KEY "Write Exclusive, registrants only"
	check "mpathpersist: the map can be written" writes $MAP
	check "mpathpersist: releases" persist --out --release --param-rk=$KEY --prout-type=5
	check "mpathpersist: nothing is reserved" of_both unreserved
	check "mpathpersist: clears" persist --out --clear --param-rk=$KEY
	check "mpathpersist: no path is registered" of_both registered $KEY 0

	# A path that comes back is registered again by multipathd.
	persist --out --register --param-sark=$KEY
	sg_persist --out --register --param-rk=$KEY --param-sark=0 "/dev/$second" >/dev/null
	echo offline >"/sys/block/$second/device/state"
	check "multipathd: a path is lost" wait_for 60 paths_in $LIO_WWID failed 1
	check "multipathd: it is not registered" registered "$first" $KEY 1
	echo running >"/sys/block/$second/device/state"
	check "multipathd: it returns" wait_for 60 paths_in $LIO_WWID "active ready" 2
	check "multipathd: each path is registered" wait_for 30 of_both registered $KEY 2
	check "multipathd: clears" persist --out --clear --param-rk=$KEY
	multipathd shutdown >/dev/null || :
	check "the map goes" wait_for 30 multipath -f $LIO_WWID
}

# by_ioctl MODE: the same without programs in between.
by_ioctl() {
	map_create m "0 $SECTORS multipath 2 queue_mode $1 0 1 1 service-time 0 2 1 $first_number 1 $second_number 1"
	writes /dev/mapper/m || die "the map does not work"
	check "$1: register" ioctl register 0 $KEY 0 0
	check "$1: each path is registered" of_both registered $KEY 2
	check "$1: another key needs the old one" refused ioctl register 0x99 $OTHER_KEY 0 0
	check "$1: reserve, registrants only" ioctl reserve $KEY 3 0
	check "$1: it is there" of_both reserved $KEY "Write Exclusive, registrants only"
	check "$1: the map can be written" writes /dev/mapper/m
	# A path that is not registered may not write: that is no failure of the path.
	sg_persist --out --register --param-rk=$KEY --param-sark=0 "/dev/$second" >/dev/null
	map_message m fail_path "$first_number"
	# What BLK_STS_RESV_CONFLICT becomes: EBADE.
	check "$1: a conflict is an error" says "Invalid exchange" dd if=/dev/zero of=/dev/mapper/m bs=4k count=8 oflag=direct
	check "$1: and not the path's" eval "map_info m | grep -q ' $second_number A '"
	map_message m reinstate_path "$first_number"
	sg_persist --out --register --param-sark=$KEY "/dev/$second" >/dev/null
	check "$1: registered, it can be written" writes /dev/mapper/m
	check "$1: release" ioctl release $KEY 3 0
	check "$1: nothing is reserved" of_both unreserved
	check "$1: reserve for one" ioctl reserve $KEY 1 0
	check "$1: clear" ioctl clear $KEY 0 0
	check "$1: no path is registered" of_both registered $KEY 0
	check "$1: nothing is reserved" of_both unreserved
	map_remove m
}

lio_disk 8192
lio_loop 1
lio_loop 2 || die "no disks"
# shellcheck disable=SC2046 # words
set -- $(disks_of tcm_loopback)
first=$1
second=$2
first_number=$(number_of "$1")
second_number=$(number_of "$2")
load_target || die "no target"
by_ioctl rq
by_ioctl bio
with_multipathd
finish
