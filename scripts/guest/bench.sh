# SPDX-License-Identifier: GPL-2.0
# Measures 4 KiB random I/O through the C driver, through the Rust driver on each rung of the interrupt
# ladder, and to a device that does nothing. Prints a line "measured DEVICE DIRECTION IOPS INTERRUPTS/IO" for each (scripts/bench).
# topology: null,accel=icount
# timeout: 900
. /ironpath/lib.sh
set -eu

# Guest seconds of one measurement: with one instruction a nanosecond they are exact at any length.
SECONDS_EACH=${SECONDS_EACH:-1}

interrupts() { awk '/^ *[0-9]+:/ { n += $2 } END { print n }' /proc/interrupts; }

# measure NAME DISK: once reading, once writing.
measure() {
	for direction in randread randwrite; do
		before=$(interrupts)
		fio --name=bench --filename="/dev/$2" --rw="$direction" --direct=1 --bs=4k --iodepth=32 \
			--ioengine=libaio --time_based --runtime="$SECONDS_EACH" --output-format=json \
			>/tmp/fio.json
		after=$(interrupts)
		say "measured $1 $direction $(awk -F: -v irqs=$((after - before)) '
			/"iops" :/ && $2 + 0 > iops { iops = $2 + 0 }
			/"total_ios" :/ && $2 + 0 > ios { ios = $2 + 0 }
			END { printf "%.1f %.3f", iops, irqs / ios }' /tmp/fio.json)"
	done
}

# measure_driver NAME DRIVER [PARAMETER=VALUE...]
measure_driver() {
	name=$1
	DRIVER=$2
	shift 2
	load_modules "$@"
	wait_for 20 disk_count 2 || die "$DRIVER found no disks"
	measure "$name" "$(disk_by_serial IRON0000)"
	unload_modules
}

say "kernel $(uname -r)"
measure_driver megaraid_sas megaraid_sas
measure_driver rmegasas rmegasas
for rung in msi intx poll; do
	measure_driver "rmegasas-$rung" rmegasas "irq_mode=$rung"
done
# Multi-queue, completion in the submitting context, memory neither kept nor touched.
modprobe null_blk queue_mode=2 irqmode=0 gb=1 nr_devices=1 submit_queues=1
measure null_blk nullb0
finish
