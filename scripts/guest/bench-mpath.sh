# SPDX-License-Identifier: GPL-2.0
# Measures 4 KiB random reads on 2, 16 and 64 disks at once, and on maps over them: of the stock dm-multipath, of
# rmpath, and of targets that decide nothing (tests/modules/floor.c). Prints a line "measured-map DISKS TARGET MODE
# SELECTOR PATHS INSTRUCTIONS" for each: instructions an I/O above those of the disks (scripts/bench).
# topology: mpath-null,accel=icount
# timeout: 7200
# modules: dm_multipath dm_round_robin dm_queue_length dm_service_time
. /ironpath/lib.sh
set -eu

# Guest milliseconds of one measurement, and how many of them each figure is the median of: interrupts and
# batches fall a little differently in each.
MSECS_EACH=${MSECS_EACH:-300}
TIMES=${TIMES:-3}
# The disks: virtio_scsi, as in life, whose interrupts come when the emulator has an answer; or null_blk, which
# answers while it is asked: by bios no figure depends on when, and all are exact. (By requests that is a way of its
# own, which costs more than all else.)
DISKS=${DISKS:-virtio_scsi}
SELECTORS=${SELECTORS:-round-robin queue-length service-time}
TARGETS=${TARGETS:-dm_multipath rmpath}
COUNTS=${COUNTS:-2 16 64}
MODES=${MODES:-rq bio}
SECTORS=2097152

# cost DEVICE[:DEVICE...]: instructions of one read, of one device after the other.
cost() {
	for _ in $(seq "$TIMES"); do
		fio --name=bench --filename="$1" --rw=randread --direct=1 --bs=4k --iodepth=32 \
			--ioengine=libaio --time_based --runtime="${MSECS_EACH}ms" --output-format=json >/tmp/fio.json
		awk -F: '/"iops" :/ && $2 + 0 > iops { iops = $2 + 0 }
			END { printf "%d\n", 1000000000 / iops }' /tmp/fio.json
	done | sort -n | sed -n "$(((TIMES + 1) / 2))p"
}

# of_paths COUNT FORMAT: that, for each of so many paths; %s is the disk, %n its major:minor.
of_paths() {
	for disk in $(disks | head -n "$1"); do
		printf '%s' "$2" | sed "s|%s|$disk|; s|%n|$(number_of "$disk")|"
	done
}

case $DISKS in
null_blk)
	# Multi-queue, completion in the submitting context, memory neither kept nor touched.
	modprobe null_blk queue_mode=2 irqmode=0 gb=1 nr_devices=64 submit_queues=1
	disks() { seq 0 63 | sed 's/^/nullb/'; }
	;;
virtio_scsi)
	modprobe virtio_scsi
	wait_for 60 path_count IRON0000 64 || die "no paths"
	settle
	disks() { paths_to IRON0000; }
	;;
*) die "no disks of $DISKS" ;;
esac
for count in $COUNTS; do
	disks=$(of_paths "$count" "/dev/%s:")
	base=$(cost "${disks%:}")
	eval "base_$count=$base"
	say "measured-paths $DISKS $count $base"
done

# measured NAME... PATHS: what the map m costs above its paths.
measured() {
	eval "base=\$base_$4"
	say "measured-map $DISKS $* $(($(cost /dev/mapper/m) - base))"
	map_remove m
}

insmod /ironpath/modules/floor.ko
for mode in $MODES; do
	for count in $COUNTS; do
		map_create m "0 $SECTORS floor-$mode $(of_paths "$count" "%n ")" || die "no map"
		measured floor "$mode" none "$count"
	done
done
rmmod floor
for TARGET in $TARGETS; do
	load_target || die "no target $TARGET"
	for mode in $MODES; do
		for selector in $SELECTORS; do
			for count in $COUNTS; do
				map_create m "0 $SECTORS multipath 2 queue_mode $mode 0 1 1 $selector 0 $count 1$(of_paths "$count" " %n 1")" ||
					die "no map"
				measured "$TARGET" "$mode" "$selector" "$count"
			done
		done
	done
	unload_target
done
finish
