#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# An interrupt that was granted is masked behind the driver's back: it notices, says so once, and polls.
# topology: gen2
# topology: gen2,msix=off
# timeout: 120
# tests: 7
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
set -eu
plan 7
require_cmd fio python3

verified() {
	fio --output-format=terse --ioengine=libaio --direct=1 --thread --rw=randrw --verify=crc32c \
		--verify_fatal=1 --bs=16k --iodepth=16 --size="$1" \
		--name=first --filename="/dev/$first" --name=second --filename="/dev/$second"
}
attribute() { cat "/sys/class/scsi_host/$host/$1"; }
config_byte() { dd if="$function/config" bs=1 skip="$1" count=1 2>/dev/null | od -An -tu1 | tr -d ' '; }
# capability ID: where it is in the configuration space.
capability() {
	at=$(config_byte 52)
	while [ "$at" != 0 ] && [ "$(config_byte "$at")" != "$1" ]; do
		at=$(config_byte $((at + 1)))
	done
	echo "$at"
}
set_byte() { printf "\\$(printf %o "$2")" | dd of="$function/config" bs=1 seek="$1" conv=notrunc 2>/dev/null; }
# mask: MSI-X has a mask for the whole function, MSI is switched off.
mask() {
	case $IRONPATH_TOPOLOGY in
	*msix=off*)
		at=$(($(capability 5) + 2))
		set_byte $at $(($(config_byte $at) & ~1))
		;;
	*)
		at=$(($(capability 17) + 3))
		set_byte $at $(($(config_byte $at) | 64))
		;;
	esac
}

load_modules
wait_for 20 disk_count 2 || die "no disks"
settle
host=$(hosts)
first=$(disk_by_serial IRON0000)
second=$(disk_by_serial IRON0001)
device=$(readlink -f "/sys/block/$first/device")
function=${device%/host*}
granted=$(attribute irq_mode)
kmsg_mark
count=$(io_count "$first")
verify_start "/dev/$second" 12m
verify_start "/dev/$first" 12m
check "data move" wait_for 60 has_moved "$first" "$((count + 20))"
mask
wait_for 60 has_moved "$first" "$(($(io_count "$first") + 200))" || die "no I/O"
check "data are right all the same" eval "verify_stop /dev/$first && verify_stop /dev/$second"
check "the driver has noticed" kmsg_has "answers lie without an interrupt \($granted\): polling from now on"
check "it polls" [ "$(attribute irq_mode)" = poll ]
check "and says why" eval "attribute irq_refused | grep -q '$granted: its interrupts do not arrive'"
check "data are right" verified 4m
check "it was said once, and no command timed out" eval \
	"[ \$(kmsg_since | grep -c 'polling from now on') = 1 ] && ! kmsg_has 'aborted|reset'"
finish
