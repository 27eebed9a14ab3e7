# SPDX-License-Identifier: GPL-2.0
# Measures 4 KiB random reads on 2, 16 and 64 disks at once, and on maps over them: of the stock dm-multipath, of
# rmpath, and of targets that decide nothing (tests/modules/floor.c): all of it SAMPLES times, there and back. Prints
# lines "measured-paths DISKS PATHS INSTRUCTIONS" and "measured-map DISKS TARGET MODE SELECTOR PATHS INSTRUCTIONS",
# an I/O (scripts/bench).
# topology: mpath-null,accel=icount
# timeout: 7200
# modules: dm_multipath dm_round_robin dm_queue_length dm_service_time
. /ironpath/lib.sh
set -eu

# Guest milliseconds of one sample; interrupts and batches fall a little differently in each.
MSECS_EACH=${MSECS_EACH:-300}
SAMPLES=${SAMPLES:-3}
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
	fio --name=bench --filename="$1" --rw=randread --direct=1 --bs=4k --iodepth=32 \
		--ioengine=libaio --time_based --runtime="${MSECS_EACH}ms" --output-format=json >/tmp/fio.json
	awk -F: '/"iops" :/ && $2 + 0 > iops { iops = $2 + 0 }
		END { printf "%.0f\n", 1000000000 / iops }' /tmp/fio.json
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
insmod /ironpath/modules/floor.ko
say "kernel $(uname -r)"

# measured NAME... PATHS: what an I/O through the map m costs.
measured() {
	say "measured-map $DISKS $* $(cost /dev/mapper/m)"
	map_remove m
}

# measure TARGET: maps of one target; `floor` is those that decide nothing, `paths` is no map at all.
measure() {
	case $1 in
	paths)
		for count in $COUNTS; do
			disks=$(of_paths "$count" "/dev/%s:")
			say "measured-paths $DISKS $count $(cost "${disks%:}")"
		done
		;;
	floor)
		for mode in $MODES; do
			for count in $COUNTS; do
				map_create m "0 $SECTORS floor-$mode $(of_paths "$count" "%n ")" || die "no map"
				measured floor "$mode" none "$count"
			done
		done
		;;
	*)
		TARGET=$1
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
		;;
	esac
}

for sample in $(seq "$SAMPLES"); do
	for each in $(there_and_back "$sample" "paths floor $TARGETS"); do
		measure "$each"
	done
done
finish
