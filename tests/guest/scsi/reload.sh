#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The modules can be loaded and unloaded again and again, and leave nothing behind.
# topology: gen2
# topology: two-hba,msix=off,msi=off
# timeout: 400
# tests: 17
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
# shellcheck source=tests/guest/scsi/lib.sh
. /ironpath/scsi.sh
set -eu
plan 17

# The first rounds fill caches; what is lost after them is lost for good.
WARM=10
ROUNDS=50
# Free memory comes and goes by some 16 MiB; the frames alone are more than one MiB a round.
LOSS_KIB=28672
# What the slab allocator and vmalloc hold is exact, but for caches of others.
TABLES_KIB=2048

threads() { cat /proc/[0-9]*/comm 2>/dev/null | grep -c '^scsi_' || :; }
meminfo() { awk -v sum=0 -v names=" $* " 'index(names, " " $1 " ") { sum += $2 } END { print sum }' /proc/meminfo; }
settled_memory() {
	sync
	echo 3 >/proc/sys/vm/drop_caches
}
# in_each NAME FILE...: each has it. in_none NAME FILE...: none has it, and all can be read.
in_each() { in_count "$@" && [ "$in_most" = "$in_files" ]; }
in_none() { in_count "$@" && [ "$in_most" = 0 ]; }
in_count() {
	in_name=$1 in_most=0
	shift
	in_files=$#
	for in_file; do
		in_status=0
		grep -q "$in_name" "$in_file" || in_status=$?
		case $in_status in
		0) in_most=$((in_most + 1)) ;;
		1) ;;
		*) return 1 ;;
		esac
	done
}
# Something of the disks' scan may still be in use: that is refused, which is right.
unloaded() { unload_modules; }

vectors_before=$(vectors)
threads_before=$(threads)
count_calls
controllers=$(controllers | wc -l)
trace_start megasas_init_firmware megasas_initq_mapped megasas_dcmd_enter megasas_dcmd_reset_ld "megasas_abort_*"
failed=0
round=0
while [ "$round" -lt "$ROUNDS" ]; do
	round=$((round + 1))
	insert "$DRIVER" || failed=$((failed + 1))
	case $round in
	1)
		check "the first load finds the disks" wait_for 20 disk_count 2
		check "its register region and its interrupt have the driver's name" \
			in_each "$DRIVER" /proc/iomem /proc/interrupts
		;;
	"$ROUNDS")
		check "the last load finds the disks" wait_for 20 disk_count 2
		settle
		disk=$(disk_by_serial IRON0001)
		check "a disk can be read" dd if="/dev/$disk" of=/dev/null bs=64k count=16 iflag=direct
		;;
	esac
	# Every second round the scan is not waited for.
	[ $((round % 2)) = 0 ] || settle
	wait_for 20 unloaded 2>/dev/null || failed=$((failed + 1))
	if [ "$round" = "$WARM" ]; then
		settled_memory
		free_before=$(meminfo MemFree:)
		tables_before=$(meminfo SUnreclaim: VmallocUsed: KernelStack: Percpu:)
	fi
done
settled_memory
free_after=$(meminfo MemFree:)
tables_after=$(meminfo SUnreclaim: VmallocUsed: KernelStack: Percpu:)
echo "after $WARM rounds: $free_before KiB free, tables $tables_before; after $ROUNDS: $free_after, $tables_after"

check "each of $ROUNDS rounds loads and unloads" [ "$failed" = 0 ]
check "what was taken was given back, call by call" each_given_back "$ROUNDS"
times=$((ROUNDS * controllers))
check "QEMU: each controller was given queues once a round" eval \
	"traced $times 'megasas_init_firmware ' && traced 0 megasas_initq_mapped"
check "QEMU: and asked once what it is" traced $times 'megasas_dcmd_enter .*: DCMD CTRL_GET_INFO '
check "QEMU: its cache was flushed once a round" traced $times 'megasas_dcmd_enter .*: DCMD CTRL_CACHE_FLUSH '
check "QEMU: and it was shut down once" traced $times 'megasas_dcmd_enter .*: DCMD CTRL_SHUTDOWN '
check "QEMU: nothing was aborted or reset" traced 0 'megasas_(abort|dcmd_reset_ld)'
check "memory comes back" [ "$free_after" -gt $((free_before - LOSS_KIB)) ]
check "so do the tables" [ "$tables_after" -lt $((tables_before + TABLES_KIB)) ]
check "no interrupt vector is left" eval "[ '$(vectors)' = '$vectors_before' ] && no_vectors"
check "no register region and no interrupt has the driver's name" \
	in_none "$DRIVER" /proc/iomem /proc/interrupts
check "no controller is left enabled" disabled
check "no error-handler thread is left" [ "$(threads)" = "$threads_before" ]
finish
