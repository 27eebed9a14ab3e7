# SPDX-License-Identifier: GPL-2.0
# Measures 4 KiB random reads on a path and on maps of the stock dm-multipath and of rmpath. Prints a line
# "measured NAME INSTRUCTIONS" for each: instructions an I/O, for maps those over the path's.
# topology: mpath-null,accel=icount
# timeout: 900
# modules: dm_multipath dm_round_robin dm_queue_length dm_service_time
. /ironpath/lib.sh
set -eu

# Guest seconds of one measurement: with one instruction a nanosecond they are exact at any length.
SECONDS_EACH=${SECONDS_EACH:-1}
SELECTORS=${SELECTORS:-round-robin queue-length service-time}
TARGETS=${TARGETS:-dm_multipath rmpath}
SECTORS=2097152

# cost DEVICE: instructions of one read.
cost() {
	fio --name=bench --filename="$1" --rw=randread --direct=1 --bs=4k --iodepth=32 \
		--ioengine=libaio --time_based --runtime="$SECONDS_EACH" --output-format=json >/tmp/fio.json
	awk -F: '/"iops" :/ && $2 + 0 > iops { iops = $2 + 0 }
		END { printf "%d", 1000000000 / iops }' /tmp/fio.json
}

modprobe virtio_scsi
wait_for 20 path_count IRON0000 2 || die "no paths"
settle
# shellcheck disable=SC2046 # words
set -- $(paths_to IRON0000)
first=$(number_of "$1")
second=$(number_of "$2")
base=$(cost "/dev/$1")
say "measured path $base"

for TARGET in $TARGETS; do
	load_target || die "no target $TARGET"
	for mode in rq bio; do
		for selector in $SELECTORS; do
			arg=1
			map_create m "0 $SECTORS multipath 2 queue_mode $mode 0 1 1 $selector 0 2 1 $first $arg $second $arg"
			say "measured $TARGET $mode $selector $(($(cost /dev/mapper/m) - base))"
			map_remove m
		done
	done
	unload_target
done
finish
