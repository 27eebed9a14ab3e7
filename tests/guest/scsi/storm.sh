#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A storm of logical drive resets under verified I/O: every command ends once, all data are right.
# topology: gen2
# topology: two-hba
# timeout: 240
# tests: 9
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
set -eu
plan 9
require_cmd sg_reset fio

SECONDS_OF_STORM=60
case $IRONPATH_TOPOLOGY in
two-hba*) SECONDS_OF_STORM=15 ;;
esac

attributes() {
	for each in $(hosts); do
		cat "/sys/class/scsi_host/$each/$1"
	done
}
idle() { [ "$(attributes fw_cmds_outstanding | sort -u)" = 0 ]; }
now() { date +%s; }

load_modules
wait_for 20 disk_count 2 || die "no disks"
settle
first=$(disk_by_serial IRON0000)
second=$(disk_by_serial IRON0001)

count=$(io_count "$first")
# The first disk is reset; the second shows that resets of its neighbour do not concern it.
fio --output=/tmp/fio --ioengine=libaio --direct=1 --thread --rw=randrw --verify=crc32c \
	--verify_fatal=1 --verify_backlog=64 --bs=8k --size=16m --time_based \
	--runtime=$SECONDS_OF_STORM \
	--name=first --filename="/dev/$first" --iodepth=32 \
	--name=second --filename="/dev/$second" --iodepth=8 &
fio=$!
trace_start megasas_init_firmware megasas_dcmd_reset_ld megasas_abort_frame
kmsg_mark
resets=0
refused=0
check "data move" wait_for 60 has_moved "$first" "$count"
end=$(($(now) + SECONDS_OF_STORM))
while [ "$(now)" -lt "$end" ] && kill -0 "$fio" 2>/dev/null; do
	sg_reset -N -d "/dev/$first" || refused=$((refused + 1))
	resets=$((resets + 1))
done
status=0
wait "$fio" || status=$?
cat /tmp/fio
say "$resets resets, $refused refused, stray replies: $(attributes fw_stray_replies | xargs)"
check "fio found no wrong data and no error" [ "$status" = 0 ]
check "there were resets" [ "$resets" -ge 5 ]
check "none was refused" [ "$refused" = 0 ]
check "QEMU: so many resets of the logical drive, nothing else" eval \
	"traced $resets 'megasas_dcmd_reset_ld .* dev 0' && traced $resets ."
check "the driver says the same" eval "[ \$(kmsg_since | grep -c 'logical drive 0 reset') = $resets ]"
check "nothing is outstanding" wait_for 10 idle
check "no host had to be reset" [ "$(attributes fw_resets | sort -u)" = 0 ]
check "no command was given up" eval "! kmsg_has 'I/O error|offline'"
finish
