# SPDX-License-Identifier: GPL-2.0
# A path goes silent under reads: for how long did nothing end, and how long did the slowest read take? With
# the stock dm-multipath, with rmpath as it is, with a deadline, and with one that aborts. Prints a line
# "measured-stall WHICH MODE GAP_MSECS SLOWEST_MSECS" for each, SAMPLES times, there and back (scripts/bench).
# topology: none,accel=icount
# timeout: 3600
# allow-log: (I/O|timeout|device offline) error, dev sd|rejecting I/O to offline device|Device offlined | a path goes silent
# modules: scsi_debug dm_multipath dm_round_robin dm_queue_length dm_service_time
. /ironpath/lib.sh
# shellcheck source=tests/guest/mpath/lib.sh
. /ironpath/mpath.sh
set -eu

# The path's driver gives a command up after so many seconds, and tries it again.
TIMEOUT=5
SECONDS_EACH=50
SAMPLES=${SAMPLES:-3}
DEADLINE=1000
MODES=${MODES:-rq bio}

# stall WHICH MODE FEATURES
stall() {
	# shellcheck disable=SC2086 # words
	set -- "$1" "$2" "queue_mode $2 $3"
	map_create m "0 $DEBUG_SECTORS multipath $(echo "$3" | wc -w) $3 0 1 1 round-robin 0 2 1 $(number_of "$silent") 1 $(number_of "$other") 1" ||
		die "no map"
	rm -f /tmp/lat*
	fio --name=stall --filename=/dev/mapper/m --rw=randread --direct=1 --bs=4k --iodepth=8 --rate_iops=200 \
		--ioengine=libaio --time_based --runtime=$SECONDS_EACH --write_lat_log=/tmp/lat --output=/tmp/fio.out --thread &
	fio=$!
	moves m || die "no I/O"
	no_answer "$silent" $READ10 $WRITE10
	wait "$fio" || die "I/O ended in errors: $(cat /tmp/fio.out)"
	answers "$silent" $READ10 $WRITE10
	# Three timeouts, and sd takes it offline.
	echo running >"/sys/block/$silent/device/state"
	# Milliseconds of each end, in order, and nanoseconds that it took.
	say "measured-stall $1 $2 $(sort -n /tmp/lat_clat.*log | awk -F, '
		NR > 1 && $1 - last > gap { gap = $1 - last }
		{ last = $1 }
		$2 + 0 > slowest { slowest = $2 + 0 }
		END { printf "%d %d", gap, slowest / 1000000 }')"
	map_remove m
}

debug_paths || die "no disks"
echo $TIMEOUT >"/sys/block/$silent/device/timeout"
say "kernel $(uname -r)"
for sample in $(seq "$SAMPLES"); do
	for TARGET in $(there_and_back "$sample" "dm_multipath rmpath"); do
		load_target || die "no target $TARGET"
		for mode in $MODES; do
			stall "$TARGET" "$mode" ""
			[ "$TARGET" = rmpath ] || continue
			stall "$TARGET-deadline" "$mode" "path_deadline_msecs $DEADLINE"
			stall "$TARGET-abort" "$mode" "path_deadline_msecs $DEADLINE path_deadline_abort"
		done
		unload_target
	done
done
finish
