#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# open-iscsi, multipathd and udev, all unchanged, with one of an iSCSI target's two portals going silent under
# verified I/O to LVM on the map: who notices, who says so and who acts, in that order, until the
# path is back by itself; as requests and as bios.
# topology: none
# timeout: 480
# modules: dm_multipath dm_round_robin dm_queue_length dm_service_time scsi_dh_alua target_core_mod
# modules: iscsi_target_mod iscsi_tcp
# allow-log: I/O error, dev sd|Buffer I/O error on dev sd | a path is made to fail
# allow-log: rejecting I/O to offline device | a path is taken offline by its transport
# tests: 51
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
# shellcheck source=tests/guest/mpath/lib.sh
. /ironpath/mpath.sh
set -eu
plan 51
require_cmd iscsid iscsiadm multipathd multipath python3 lvm

IQN=iqn.2026-01.org.ironpath:disk
PORTALS="127.0.0.1 127.0.0.2"
SILENT=127.0.0.2
MAP=/dev/mapper/$LIO_WWID
export LVM_SUPPRESS_FD_WARNINGS=1

# silence ADDRESS: packets to it are dropped without an error. unsilence ADDRESS: they are sent again.
silence() { busybox ip route add blackhole "$1/32" table local; }
unsilence() { busybox ip route del blackhole "$1/32" table local; }

# session_of ADDRESS: the session over this portal (session1, ...). disk_of SESSION: its disk.
session_of() {
	for connection in /sys/class/iscsi_connection/connection*; do
		[ "$(cat "$connection/persistent_address")" != "$1" ] || basename "$(realpath "$connection/device/..")"
	done
}
disk_of() { basename "/sys/class/iscsi_session/$1/device"/target*/*/block/*; }

# in_file FILE WORD: that is what it says. It starts no process: what it waits for lasts 5 s only.
in_file() { IFS= read -r file_line <"$1" && [ "$file_line" = "$2" ]; }
session_is() { in_file "/sys/class/iscsi_session/$session/state" "$1"; }
disk_is() { in_file "/sys/block/$silent/device/state" "$1"; }
recoveries() { grep -c 'is operational after recovery' /tmp/iscsid.log; }
recovered() { [ "$(recoveries)" -gt "$1" ]; }

# start_iscsi: iscsid with sessions over both portals, which ping every 2 s and block for 5 s at most.
start_iscsi() {
	busybox ip link set lo up
	modprobe iscsi_tcp
	# The kernel log tells when a session is blocked and unblocked.
	echo 1 >/sys/module/scsi_transport_iscsi/parameters/debug_session
	iscsid -f >/tmp/iscsid.log 2>&1 &
	iscsiadm -m discovery -t sendtargets -p "${PORTALS%% *}" || return
	for setting in node.conn[0].timeo.noop_out_interval=2 node.conn[0].timeo.noop_out_timeout=2 \
		node.session.timeo.replacement_timeout=5; do
		iscsiadm -m node -o update -n "${setting%=*}" -v "${setting#*=}" || return
	done
	iscsiadm -m node --login || return
	wait_for 30 path_count IRON0000 2
}

# watch_uevents: those of paths go into the kernel log, where all that happens then has one order.
watch_uevents() {
	udevadm monitor --kernel --property --subsystem-match=block | while IFS= read -r line; do
		case $line in
		DM_ACTION=*) action=${line#*=} ;;
		DM_PATH=*) path=${line#*=} ;;
		DM_NR_VALID_PATHS=*) echo "uevent: ${action:-} ${path:-} left ${line#*=}" >/dev/kmsg ;;
		esac
	done &
}

# in_order REGEX...: the first line of the log since the mark that matches each comes before that of the next.
in_order() {
	kmsg_since >/tmp/order
	order_last=0
	for regex; do
		order=$(grep -En -m 1 -- "$regex" /tmp/order | cut -d: -f1)
		if [ "${order:-0}" -le "$order_last" ]; then
			echo "line ${order:-?}, not after $order_last: $regex"
			return 1
		fi
		order_last=$order
	done
}

# cycle DEVICE DM: the portal goes silent under verified I/O to DEVICE, and returns.
cycle() {
	kmsg_mark
	# Programs shall have their share of the processors, too.
	verify_start "$1" 32m --rate 100
	moves "$2" || die "no I/O"
	known=$(recoveries || :)
	echo "portal is silenced" >/dev/kmsg
	silence $SILENT
	check "$mode: the disk is blocked" wait_for 60 disk_is blocked
	check "$mode: its session has failed" session_is FAILED
	check "$mode: the ping was not answered" kmsg_has "$connection: ping timeout of 2 secs expired"
	check "$mode: the connection was given up" kmsg_has "$connection: detected conn error \(1022\)"
	check "$mode: the disk is offline" wait_for 60 disk_is transport-offline
	check "$mode: the path fails" wait_for 60 kmsg_has "multipath: .*Failing path $number"
	check "$mode: a uevent says so" wait_for 20 kmsg_has "uevent: PATH_FAILED $number left 1$"
	check "$mode: multipathd knows" wait_for 30 paths_in $LIO_WWID failed 1
	from=$(io_count "$other")
	check "$mode: I/O goes on" moves "$2"
	check "$mode: over the other path" has_moved "$other" "$from"
	check "$mode: without errors" verify_runs
	echo "portal is back" >/dev/kmsg
	unsilence $SILENT
	check "$mode: iscsid recovers the session" wait_for 60 recovered "${known:-0}"
	check "$mode: which is logged in" wait_for 20 session_is LOGGED_IN
	check "$mode: the path is reinstated" wait_for 60 kmsg_has "multipath: .*Reinstating path $number"
	check "$mode: a uevent says so, too" wait_for 20 kmsg_has "uevent: PATH_REINSTATED $number left 2$"
	check "$mode: both paths are ready" wait_for 60 paths_in $LIO_WWID "active ready" 2
	from=$(io_count "$silent")
	check "$mode: the path has I/O again" wait_for 30 has_moved "$silent" "$((from + 50))"
	check "$mode: all of it is verified" verify_stop
	check "$mode: in this order" in_order "portal is silenced" "ping timeout of" "detected conn error" \
		"$session: .*Completed SCSI target blocking" "$session: session recovery timed out" "Failing path $number" \
		"uevent: PATH_FAILED" "portal is back" "$session: .*Completed unblocking session" "Reinstating path $number" \
		"uevent: PATH_REINSTATED"
	check "$mode: and no other path failed" eval "! kmsg_has 'Failing path $(number_of "$other")'"
}

# mode NAME LINE...: a map by multipathd with these lines, and LVM on it.
mode() {
	mode=$1
	shift
	start_multipathd "find_multipaths yes" "no_path_retry queue" "$@" || die "multipathd does not answer"
	wait_for 60 has_map $LIO_WWID || die "no map"
	wait_for 30 paths_in $LIO_WWID "active ready" 2 || die "not two paths"
	wait_for 20 [ -b $MAP ] || die "no node"
	multipath -ll
	dmsetup table $LIO_WWID
	check "$mode: a map with the handler" eval "dmsetup table $LIO_WWID | grep -q ' 1 alua 1 1 service-time 0 2 '"
	case $mode in
	rq) check "$mode: of requests" [ -d "/sys/block/$(basename "$(realpath $MAP)")/mq" ] ;;
	*) check "$mode: of bios" eval "dmsetup table $LIO_WWID | grep -q 'queue_mode bio'" ;;
	esac
	if ! { pvcreate -y $MAP && vgcreate vg $MAP && lvcreate -y -W n -n lv -L 40m vg; }; then
		die "no logical volume"
	fi
	pvs -a
	check "$mode: LVM uses the map, not its paths" [ "$(pvs --noheadings -o pv_name | tr -d ' ')" = $MAP ]
	cycle /dev/vg/lv vg-lv
	vgremove -f vg && pvremove $MAP
	multipathd shutdown >/dev/null || :
	check "$mode: the map goes" wait_for 30 multipath -f $LIO_WWID
}

lio_disk 16384
# shellcheck disable=SC2086 # words
lio_iscsi $IQN $PORTALS
load_target || die "no target"
start_udev
check "a session over each portal" start_iscsi
settle
udevadm settle --timeout=60
session=$(session_of $SILENT)
connection=connection${session#session}:0
silent=$(disk_of "$session")
other=$(paths_to IRON0000 | grep -v "$silent")
number=$(number_of "$silent")
watch_uevents
mode rq
mode bio 'features "2 queue_mode bio"'
check "the sessions are logged out" iscsiadm -m node --logout
check "the target unloads" unload_target
finish
