#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Requests to QEMU from a guest script: answers, refusals, unplugging of a disk and a controller.
# topology: two-hba
# timeout: 90
# tests: 9
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
set -eu
DRIVER=megaraid_sas
plan 9
answers_running() { ctl "$@" | grep -q running; }

check "an HMP line is answered" answers_running hmp info status
check "a QMP message is answered" answers_running qmp '{"execute": "query-status"}'
check "a long answer keeps its lines" [ "$(ctl hmp info qtree | wc -l)" -gt 20 ]
if ctl device_del no-such-device; then
	fail "QEMU's refusal is the request's failure"
else
	pass "QEMU's refusal is the request's failure"
fi

load_modules
check "two hosts, two disks" wait_for 20 disk_count 2
# shellcheck disable=SC2046 # words
set -- $(hosts)
check "one host each" [ $# = 2 ]

ctl device_del disk1
check "a disk is unplugged at once" ctl wait_deleted disk1 10

kmsg_mark
ctl device_del hba0
check "a controller goes when the guest has let it go" ctl wait_deleted hba0 30
check "its host has gone" [ "$(hosts | wc -l)" = 1 ]
finish
