#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# An interrupt that was granted is masked behind the driver's back: it notices, says so once, and polls. When it
# arrives again the driver goes back to it; so it does after the machine has stood still.
# topology: gen2
# topology: gen2,msix=off
# timeout: 300
# tests: 17
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
set -eu
plan 17
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
# mask, unmask: MSI-X has a mask for the whole function, MSI is switched off and on.
case $IRONPATH_TOPOLOGY in
*msix=off*)
	mask() { set_byte "$control" $(($(config_byte "$control") & ~1)); }
	unmask() { set_byte "$control" $(($(config_byte "$control") | 1)); }
	;;
*)
	mask() { set_byte "$control" $(($(config_byte "$control") | 64)); }
	unmask() { set_byte "$control" $(($(config_byte "$control") & ~64)); }
	;;
esac
mode_is() { [ "$(attribute irq_mode)" = "$1" ]; }
reads() { dd if="/dev/$first" of=/dev/null bs=4k count="$1" iflag=direct 2>/dev/null; }
# Reads until the interrupt in use is this one.
reads_until() {
	wait_for 30 eval "reads 20 && mode_is $1"
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
case $granted in
msi) control=$(($(capability 5) + 2)) ;;
*) control=$(($(capability 17) + 3)) ;;
esac
kmsg_mark
count=$(io_count "$first")
verify_start "/dev/$second" 12m
verify_start "/dev/$first" 12m
check "data move" wait_for 60 has_moved "$first" "$((count + 20))"
mask
wait_for 60 has_moved "$first" "$(($(io_count "$first") + 200))" || die "no I/O"
check "data are right all the same" eval "verify_stop /dev/$first && verify_stop /dev/$second"
check "the driver has noticed" kmsg_has "completions pending without interrupt, falling back to polling"
check "the driver polls" [ "$(attribute irq_mode)" = poll ]
check "irq_refused says why" eval "attribute irq_refused | grep -q '$granted: its interrupts do not arrive'"
check "data are right" verified 4m
check "the log says so once, and no command timed out" eval \
	"[ \$(kmsg_since | grep -c 'falling back to polling') = 1 ] && ! kmsg_has 'aborted|reset'"

kmsg_mark
unmask
check "the interrupt arrives again: the driver goes back to it" reads_until "$granted"
check "the log says so, once" [ "$(kmsg_since | grep -c "interrupts arrive again, back to $granted")" = 1 ]
check "irq_refused no longer names the interrupt" eval "! attribute irq_refused | grep -q 'do not arrive'"
check "data are right" verified 4m
check "the driver stays with the interrupt" mode_is "$granted"

mask
check "lost again, the driver polls again" reads_until poll
check "data are right" verified 4m
unmask
check "when it arrives again, the driver goes back again" reads_until "$granted"

kmsg_mark
verified 24m &
fio=$!
for seconds in 3 3 4; do
	count=$(io_count "$first")
	wait_for 60 has_moved "$first" "$((count + 20))" || break
	ctl pause "$seconds"
done
check "data are right after the machine was paused" wait "$fio"
# A pause may come between a completion and its interrupt.
check "after the pause the interrupt is in use" reads_until "$granted"
finish
