# SPDX-License-Identifier: GPL-2.0
# Measures 4 KiB random I/O through the C driver, through the Rust driver on each rung of the interrupt
# ladder, and to a device that does nothing: each of them in turn, SAMPLES times, there and back. Prints a line
# "measured DEVICE DIRECTION INSTRUCTIONS INTERRUPTS" for each sample, both an I/O (scripts/bench).
# topology: null,accel=icount
# timeout: 3600
. /ironpath/lib.sh
set -eu

# Guest milliseconds of one sample.
MSECS_EACH=${MSECS_EACH:-300}
SAMPLES=${SAMPLES:-3}
# Those that are compared with each other next to each other.
DEVICES="megaraid_sas rmegasas rmegasas-msi rmegasas-intx rmegasas-poll null_blk"

interrupts() { awk '/^ *[0-9]+:/ { n += $2 } END { print n }' /proc/interrupts; }

# measure NAME DISK: once reading, once writing.
measure() {
	for direction in randread randwrite; do
		before=$(interrupts)
		fio --name=bench --filename="/dev/$2" --rw="$direction" --direct=1 --bs=4k --iodepth=32 \
			--ioengine=libaio --time_based --runtime="${MSECS_EACH}ms" --output-format=json \
			>/tmp/fio.json
		after=$(interrupts)
		say "measured $1 $direction $(awk -F: -v irqs=$((after - before)) '
			/"iops" :/ && $2 + 0 > iops { iops = $2 + 0 }
			/"total_ios" :/ && $2 + 0 > ios { ios = $2 + 0 }
			END { printf "%.0f %.3f", 1000000000 / iops, irqs / ios }' /tmp/fio.json)"
	done
}

# measure_device DEVICE: a driver, for one rung of it if the name has one, or null_blk.
measure_device() {
	case $1 in
	null_blk)
		# Multi-queue, completion in the submitting context, memory neither kept nor touched.
		modprobe null_blk queue_mode=2 irqmode=0 gb=1 nr_devices=1 submit_queues=1
		measure null_blk nullb0
		rmmod null_blk
		return
		;;
	*-*) load_modules "irq_mode=${1#*-}" ;;
	*) load_modules ;;
	esac
	wait_for 20 disk_count 2 || die "$DRIVER found no disks"
	measure "$1" "$(disk_by_serial IRON0000)"
	unload_modules
}

say "kernel $(uname -r)"
for sample in $(seq "$SAMPLES"); do
	for device in $(there_and_back "$sample" "$DEVICES"); do
		DRIVER=${device%-*}
		measure_device "$device"
	done
done
finish
