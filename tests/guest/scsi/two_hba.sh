#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Both controllers work at once, and one goes on while the other is reset or unbound.
# topology: two-hba
# topology: two-hba,hba0.msix=off,hba0.msi=off
# timeout: 120
# tests: 6
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
set -eu
plan 6
require_cmd fio sg_reset python3

host_of() { basename "$(readlink -f "/sys/block/$1/device")" | cut -d: -f1; }
verified() {
	fio --output-format=terse --ioengine=libaio --direct=1 --thread --rw=randrw --verify=crc32c \
		--verify_fatal=1 --bs=16k --iodepth=16 --size=16m "$@"
}

load_modules
wait_for 20 disk_count 2 || die "no disks"
settle
first=$(disk_by_serial IRON0000)
second=$(disk_by_serial IRON0001)
kmsg_mark
check "each disk has a host of its own" [ "$(host_of "$first")" != "$(host_of "$second")" ]
check "they are of both generations" eval "kmsg_all | grep -q 'SAS 1078' && kmsg_all | grep -q 'SAS 2108'"
check "both move data at once" verified --name=first --filename="/dev/$first" \
	--name=second --filename="/dev/$second"
verify_start "/dev/$second" 16m
wait_for 60 has_moved "$second" "$(io_count "$second")" || die "no I/O"
check "one is reset" sg_reset -N -H "/dev/$first"
check "the other did not notice" verify_stop
resets() { cat "/sys/class/scsi_host/host$(host_of "$1")/fw_resets"; }
check "one reset only" [ "$(resets "$first") $(resets "$second")" = "1 0" ]
finish
