# SPDX-License-Identifier: GPL-2.0
# Measures 4 KiB random reads on a path and on maps of the stock dm-multipath, of rmpath, and of targets that
# decide nothing (tests/modules/floor.c). Prints a line "measured-map TARGET MODE SELECTOR PATHS INSTRUCTIONS"
# for each: instructions an I/O over those of the path (scripts/bench).
# topology: mpath-null,accel=icount
# timeout: 2400
# modules: dm_multipath dm_round_robin dm_queue_length dm_service_time
. /ironpath/lib.sh
set -eu

# Guest milliseconds of one measurement: with one instruction a nanosecond they are exact at any length.
MSECS_EACH=${MSECS_EACH:-500}
SELECTORS=${SELECTORS:-round-robin queue-length service-time}
TARGETS=${TARGETS:-dm_multipath rmpath}
COUNTS=${COUNTS:-2 16 64}
MODES=${MODES:-rq bio}
SECTORS=2097152

# cost DEVICE: instructions of one read.
cost() {
	fio --name=bench --filename="$1" --rw=randread --direct=1 --bs=4k --iodepth=32 \
		--ioengine=libaio --time_based --runtime="${MSECS_EACH}ms" --output-format=json >/tmp/fio.json
	awk -F: '/"iops" :/ && $2 + 0 > iops { iops = $2 + 0 }
		END { printf "%d", 1000000000 / iops }' /tmp/fio.json
}

modprobe virtio_scsi
wait_for 60 path_count IRON0000 64 || die "no paths"
settle
# shellcheck disable=SC2046 # words
set -- $(paths_to IRON0000)
base=$(cost "/dev/$1")
say "measured-path $base"

# measured NAME...: what the map m costs over its paths.
measured() {
	say "measured-map $* $(($(cost /dev/mapper/m) - base))"
	map_remove m
}

insmod /ironpath/modules/floor.ko
for mode in $MODES; do
	map_create m "0 $SECTORS floor-$mode $(number_of "$1")" || die "no map"
	measured floor "$mode" none 1
done
rmmod floor
for TARGET in $TARGETS; do
	load_target || die "no target $TARGET"
	for mode in $MODES; do
		for selector in $SELECTORS; do
			for count in $COUNTS; do
				paths=
				used=0
				for disk; do
					[ $used != "$count" ] || break
					used=$((used + 1))
					paths="$paths $(number_of "$disk") 1"
				done
				map_create m "0 $SECTORS multipath 2 queue_mode $mode 0 1 1 $selector 0 $count 1$paths" ||
					die "no map"
				measured "$TARGET" "$mode" "$selector" "$count"
			done
		done
	done
	unload_target
done
finish
