#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Paths that take smaller requests than their map: a request that is too large for a path never fails the path.
# The stock target does, which is seen first.
# topology: mpath-debug
# modules: dm_multipath dm_round_robin dm_queue_length dm_service_time
# timeout: 300
# allow-log: I/O error, dev dm-|Buffer I/O error on dev dm- | requests are made too large
# tests: 41
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
set -eu
plan 41

SECTORS=1048576
# KiB that paths take, in sysfs.
LARGE=512
SMALL=64

takes() { echo "$2" >"/sys/block/$1/queue/max_sectors_kb"; }
# One request each, so that both paths get some in turn.
reads() { dd if=/dev/mapper/m of=/dev/null bs=512k count="${1:-8}" iflag=direct 2>/dev/null; }
small_reads() { dd if=/dev/mapper/m of=/dev/null bs=32k count=8 iflag=direct 2>/dev/null; }
no_reads() { ! reads 1; }
refusals() { kmsg_since | grep -c 'over max size limit' || :; }
told() { kmsg_since | grep -Ec "request is too large for every usable path: path $second: [0-9]+ sectors, limit 128"; }

# table FEATURES LAYOUT: both paths at once, or in groups.
table() { echo "0 $SECTORS multipath $1 0 $2"; }
both() { echo "1 1 $1 0 2 1 $first 1 $second 1"; }

# join TABLE: another table, without a flush, as multipathd reloads.
join() {
	dmsetup suspend --noudevsync --noflush --nolockfs m && dmsetup load m --table "$1" &&
		dmsetup resume --noudevsync m
}

stock() {
	TARGET=dm_multipath
	load_target || die "no stock target"
	takes "$disk2" $LARGE
	map_create m "$(table 0 "1 1 round-robin 0 1 1 $first 1")"
	takes "$disk2" $SMALL
	join "$(table 0 "$(both round-robin)")"
	reads || :
	check "stock: a path that is too small for a read fails" failed_paths m 1
	map_remove m
	unload_target || die "the stock target stays"
	TARGET=rmpath
}

# small_path_joins SELECTOR: next to a large one.
small_path_joins() {
	takes "$disk2" $LARGE
	map_create m "$(table 0 "1 1 $1 0 1 1 $first 1")"
	reads
	takes "$disk2" $SMALL
	kmsg_mark
	join "$(table 0 "$(both "$1")")"
	check "$1: the log says which path is small" kmsg_has "path $second has lower limits than the map"
	check "$1: large reads are good" reads
	check "$1: no path has failed" failed_paths m 0
	check "$1: no request was sent to the small path that is too large for it" [ "$(refusals)" = 0 ]
	from=$(io_count "$disk2")
	small_reads
	check "$1: the small path takes small reads" has_moved "$disk2" "$from"
	map_remove m
}

live_change() {
	takes "$disk2" $LARGE
	map_create m "$(table 0 "$(both round-robin)")"
	reads
	takes "$disk2" $SMALL
	kmsg_mark
	check "lowered live: large reads are good" reads
	check "lowered live: no path has failed" failed_paths m 0
	check "lowered live: it was found out by one refusal" [ "$(refusals)" = 1 ]
	kmsg_mark
	reads
	check "lowered live: no request is refused after that" [ "$(refusals)" = 0 ]
	map_remove m
}

groups() {
	takes "$disk2" $LARGE
	map_create m "$(table 0 "2 1 round-robin 0 1 1 $second 1 round-robin 0 1 1 $first 1")"
	reads
	takes "$disk2" $SMALL
	check "groups: large reads go to another group" reads
	small_reads
	check "groups: the current group does not change" eval "map_info m | grep -q '^2 0 0 0 2 1 A '"
	check "groups: no path has failed" failed_paths m 0
	map_remove m
}

# Paths that would accept a request have failed, in the current group or in another: it waits for them.
failed_ones() {
	takes "$disk2" $LARGE
	for layout in "1 1 round-robin 0 2 1 $first 1 $second 1" \
		"2 1 round-robin 0 1 1 $second 1 round-robin 0 1 1 $first 1"; do
		groups_are="${layout%% *} group(s)"
		map_create m "$(table "1 queue_if_no_path" "$layout")"
		reads
		takes "$disk2" $SMALL
		map_message m fail_path "$first"
		reads 1 &
		reader=$!
		if wait_for 2 ended "$reader"; then
			fail "$groups_are: a large read is queued while the path that accepts it has failed"
		else
			pass "$groups_are: a large read is queued while the path that accepts it has failed"
		fi
		check "$groups_are: meanwhile the small path takes small reads" small_reads
		map_message m reinstate_path "$first"
		check "$groups_are: the large read succeeds when that path is reinstated" wait "$reader"
		map_remove m
		takes "$disk2" $LARGE
	done
	map_create m "$(table 0 "$(both round-robin)")"
	reads
	takes "$disk2" $SMALL
	map_message m fail_path "$first"
	check "without queue_if_no_path it ends with an error" no_reads
	map_remove m
}

# The limits are lowered and raised all the time.
flipping() {
	while :; do
		takes "$disk2" $SMALL
		takes "$disk2" $LARGE
	done
}
flipped() {
	takes "$disk2" $LARGE
	map_create m "$(table 0 "$(both round-robin)")"
	flipping &
	flipper=$!
	flipped_reads=good
	reads 64 || flipped_reads=bad
	kill "$flipper"
	wait "$flipper" || :
	check "limits that change all the time fail no read and no path" eval "[ $flipped_reads = good ] && failed_paths m 0"
	map_remove m
}

# alone MODE: no other path.
alone() {
	takes "$disk2" $LARGE
	map_create m "$(table "2 queue_mode $1" "1 1 round-robin 0 1 1 $second 1")"
	reads
	takes "$disk2" $SMALL
}

alone_by_requests() {
	alone rq
	kmsg_mark
	check "alone, by requests: a large read ends with an error" no_reads
	no_reads
	check "alone, by requests: no path has failed" failed_paths m 0
	check "alone, by requests: one line says which path takes how much" [ "$(told)" = 1 ]
	check "alone, by requests: small reads are good" small_reads
	takes "$disk2" $LARGE
	check "alone, by requests: so are large ones, when it takes them again" reads
	takes "$disk2" $SMALL
	# With a flush, the map gets the limits of its path.
	map_reload m "$(table 0 "1 1 round-robin 0 1 1 $second 1")"
	check "alone, by requests: a table that is loaded with a flush gets the path's limits" reads
	map_remove m
}

alone_by_bios() {
	alone bio
	kmsg_mark
	check "alone, by bios: large reads are split" reads
	check "alone, by bios: no path has failed" failed_paths m 0
	check "alone, by bios: nothing was refused" [ "$(refusals)" = 0 ]
	map_remove m
}

modprobe virtio_scsi
find_paths 2
takes "$disk1" $LARGE
stock
load_target || die "no target"
for selector in round-robin queue-length service-time; do
	small_path_joins $selector
done
live_change
groups
failed_ones
flipped
alone_by_requests
alone_by_bios
check "the target can be unloaded" unload_target
finish
