#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Requests to QEMU from a guest script: answers, refusals, unplugging of a disk and a controller.
# topology: two-hba
# timeout: 90
# tests: 15
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
set -eu
DRIVER=megaraid_sas
plan 15
answers_running() { ctl "$@" | grep -q running; }

check "an HMP line is answered" answers_running hmp info status
check "a QMP message is answered" answers_running qmp '{"execute": "query-status"}'
check "a long answer keeps its lines" [ "$(ctl hmp info qtree | wc -l)" -gt 20 ]
if ctl device_del no-such-device; then
	fail "QEMU's refusal is the request's failure"
else
	pass "QEMU's refusal is the request's failure"
fi

if trace_start no_such_event; then
	fail "an unknown trace event is refused"
else
	pass "an unknown trace event is refused"
fi
trace_start 'megasas_*' || die "no trace events"
check "nothing happens, no trace event is recorded" traced 0 .

load_modules
check "two hosts, two disks" wait_for 20 disk_count 2
# shellcheck disable=SC2046 # words
set -- $(hosts)
check "one host each" [ $# = 2 ]

check "both controllers were given their queues" traced 2 'megasas_init_firmware '
trace_mark
check "from a mark on, earlier events do not count" traced 0 'megasas_init_firmware '

settle
reads=$(ctl stat disk0 rd_operations)
dd if="/dev/$(disk_by_serial IRON0000)" of=/dev/null bs=4k count=3 iflag=direct
check "QEMU counts what a disk has done" [ "$(ctl stat disk0 rd_operations)" = $((reads + 3)) ]

ctl device_del disk1
check "a disk is unplugged at once" ctl wait_deleted disk1 10

ctl device_del hba0
check "a controller goes when the guest has let it go" ctl wait_deleted hba0 30
check "its firmware was shut down, once" traced 1 'megasas_dcmd_enter .*: DCMD CTRL_SHUTDOWN'
check "its host has gone" [ "$(hosts | wc -l)" = 1 ]
finish
