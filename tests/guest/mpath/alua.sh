#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Groups are activated by the ALUA handler before I/O goes to them: an LIO target with two port groups, one
# of them in standby; the same steps with the stock dm-multipath, compared line by line.
# topology: none
# timeout: 300
# modules: dm_multipath dm_round_robin dm_queue_length dm_service_time scsi_dh_alua target_core_mod tcm_loop
# allow-log: I/O error, dev dm- | I/O of a map without paths is to fail
# tests: 10
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
# shellcheck source=tests/guest/mpath/lib.sh
. /ironpath/mpath.sh
set -eu
plan 10

SECTORS=65536

states() { echo "ports $(cat "$LIO_DISK/alua/gp1/alua_access_state") $(cat "$LIO_DISK/alua/gp2/alua_access_state")"; }
read_map() { dd if=/dev/mapper/m of=/dev/null bs=4k count=1 iflag=direct 2>/dev/null; }
show() {
	echo "== $*"
	dmsetup table m
	dmsetup status m
	states
}
# step WORD...: a message, one read, and what can be seen then.
step() {
	# shellcheck disable=SC2086 # words
	map_message m "$@" || echo "refused"
	read_map || echo "error"
	show "$@"
}
reset_ports() {
	echo 0 >"$LIO_DISK/alua/gp1/alua_access_state"
	echo 2 >"$LIO_DISK/alua/gp2/alua_access_state"
}

cycle() {
	reset_ports
	map_create m "0 $SECTORS multipath $1 2 1 service-time 0 1 2 $first 1 1 service-time 0 1 2 $second 1 1"
	show "new"
	read_map || echo "error"
	show "first read"
	step switch_group 2
	step switch_group 1
	step fail_path "$first"
	step reinstate_path "$first"
	step disable_group 2
	step fail_path "$first"
	step enable_group 2
	map_message m fail_path "$second"
	read_map && echo "read without paths" || echo "no path"
	step reinstate_path "$second"
	dmsetup suspend --noudevsync m
	dmsetup resume --noudevsync m
	step reinstate_path "$first"
	map_remove m
}

run() {
	TARGET=$1
	load_target || die "no target $1"
	{
		cycle "0 1 alua"
		cycle "4 pg_init_retries 5 pg_init_delay_msecs 100 0"
		cycle "2 queue_mode bio 0"
	} >"/tmp/$1.out" 2>&1
	unload_target
}

section() { awk -v n="$2" '/^== new/ { at++ } at == n' "/tmp/$1.out"; }
same() { [ -n "$(section rmpath "$1")" ] && section dm_multipath "$1" >/tmp/a && section rmpath "$1" >/tmp/b && diff -U 3 /tmp/a /tmp/b; }

lio_disk 8192
lio_loop 1
lio_loop 2 || die "no disks"
# shellcheck disable=SC2046 # words
set -- $(disks_of tcm_loopback)
first=$(number_of "$1")
second=$(number_of "$2")
check "the handler is attached" [ "$(cat "/sys/block/$1/device/dh_state")" = alua ]

run dm_multipath
run rmpath
check "handler by table: as the stock target" same 1
check "handler found: as the stock target" same 2
check "bios: as the stock target" same 3
check "the table names the handler" grep -q "multipath 0 1 alua 2 1" /tmp/rmpath.out
check "the group was activated once" grep -q "multipath 2 0 1 0 2 1 A" /tmp/rmpath.out
check "the other port group was not touched" eval "section rmpath 1 | sed -n '/first read/,/ports/p' | grep -q 'ports 0 2'"
check "a switch activates it" eval "section rmpath 1 | sed -n '/switch_group 2/,/ports/p' | grep -q 'ports 0 0'"
check "no I/O without paths" eval '[ "$(grep -c "^no path$" /tmp/rmpath.out)" = 3 ]'
check "no errors otherwise" eval '[ "$(grep -c "^error$" /tmp/rmpath.out)" = 0 ]'
finish
