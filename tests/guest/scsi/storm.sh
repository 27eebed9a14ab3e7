#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A storm of logical drive resets under verified I/O: every command ends once, all data are right.
# topology: gen2
# topology: two-hba
# timeout: 240
# tests: 10
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
set -eu
plan 10
require_cmd sg_reset python3

# The storm ends with so many resets, and on a slow machine with its time.
RESETS=120
SECONDS_OF_STORM=60
case $IRONPATH_TOPOLOGY in
two-hba*) RESETS=30 SECONDS_OF_STORM=15 ;;
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
verify_start "/dev/$second" 16m --block 8k --depth 8
verify_start "/dev/$first" 16m --block 8k --depth 32
trace_start megasas_init_firmware megasas_initq_mapped megasas_dcmd_reset_ld "megasas_abort_*"
kmsg_mark
resets=0
refused=0
check "data move" wait_for 60 has_moved "$first" "$count"
end=$(($(now) + SECONDS_OF_STORM))
while [ "$resets" -lt $RESETS ] && [ "$(now)" -lt "$end" ] && verify_runs; do
	sg_reset -N -d "/dev/$first" || refused=$((refused + 1))
	resets=$((resets + 1))
done
say "$resets resets, $refused refused, stray replies: $(attributes fw_stray_replies | xargs)"
check "every block of the first disk is what was written last" verify_stop "/dev/$first"
check "so is every block of the second" verify_stop "/dev/$second"
check "there were resets" [ "$resets" -ge 5 ]
check "none was refused" [ "$refused" = 0 ]
check "QEMU: so many resets of the logical drive, nothing else" eval \
	"traced $resets 'megasas_dcmd_reset_ld .* dev 0' && traced $resets ."
check "the driver says the same" eval "[ \$(kmsg_since | grep -c 'logical drive 0 reset') = $resets ]"
check "nothing is outstanding" wait_for 10 idle
check "no host had to be reset" [ "$(attributes fw_resets | sort -u)" = 0 ]
check "no command was given up" eval "! kmsg_has 'I/O error|offline'"
finish
