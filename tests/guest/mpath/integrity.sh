#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Protection information (T10 DIF and DIX, type 1) goes through a map, as requests and as bios: what the block
# layer makes and what an application makes, also where a path fails under it; what is wrong is refused, and is
# no failure of the path.
# topology: none
# timeout: 300
# modules: dm_multipath dm_round_robin dm_queue_length dm_service_time scsi_debug
# allow-log: protection error, dev (sd|dm-) | wrong protection information is refused
# allow-log: recoverable transport error, dev sd | a path is made to fail
# tests: 45
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
# shellcheck source=tests/guest/mpath/lib.sh
. /ironpath/mpath.sh
set -eu
plan 45
require_cmd python3

MAP=/dev/mapper/m
SIZE=1048576
# Half of what an application writes at once where a path is lost.
SPLIT_KIB=4

tracing=/sys/kernel/tracing
# trace_commands: with protection information.
trace_commands() {
	mountpoint -q $tracing || mount -t tracefs none $tracing
	echo 'prot_sglen > 0' >$tracing/events/scsi/scsi_dispatch_cmd_start/filter
	echo 1 >$tracing/events/scsi/scsi_dispatch_cmd_start/enable
}
# passed READ|WRITE: how many such commands the hosts were given with protection information.
passed() { grep -c "prot_sgl=[1-9][0-9]* prot_op=SCSI_PROT_$1_.*cmnd=($1_10" $tracing/trace || :; }
# wrong: how often scsi_debug, which checks all that is written and read, has found that data did not fit it.
wrong() { kmsg_all | grep -c 'scsi_debug:dif_verify: .* check failed' || :; }
write_data() { dd if="$1" of=$MAP bs=64k oflag=direct 2>/dev/null; }
same_data() { dd if="$2" bs=64k count=$((SIZE / 65536)) iflag=direct 2>/dev/null | cmp - "$1"; }
# both_active: no path has failed.
both_active() { path_active m "$silent_number" && path_active m "$other_number"; }
# fails_with TEXT COMMAND...: it does, and says so.
fails_with() {
	fails_text=$1
	shift
	! "$@" >/tmp/answer 2>&1 && grep -q "$fails_text" /tmp/answer || { cat /tmp/answer; return 1; }
}

# tuples: an application's own protection information, by io_uring.
#   tuples write DEVICE SECTOR COUNT TAG [wrong]    sectors of TAG's bytes, whose tuples have the application tag
#                                                   TAG; `wrong`: the last guard does not fit
#   tuples read DEVICE SECTOR COUNT TAG             that is what is there
tuples() {
	cat >/tmp/tuples.py <<-'END'
		import ctypes, mmap, os, struct, sys

		SETUP, ENTER = 425, 426
		READ, WRITE, GETEVENTS, WITH_PI = 22, 23, 1, 1
		CHECK_GUARD, CHECK_REFERENCE = 1, 2
		SECTOR = 512
		libc = ctypes.CDLL(None, use_errno=True)

		def guard(data):
		    # CRC-16 with the polynomial of T10 DIF.
		    crc = 0
		    for byte in data:
		        crc ^= byte << 8
		        for _ in range(8):
		            crc = (crc << 1 ^ (0x8bb7 if crc & 0x8000 else 0)) & 0xffff
		    return crc

		def submit(opcode, fd, data, at, information, seed):
		    """One read or write with protection information; its result."""
		    parameters = ctypes.create_string_buffer(120)
		    ring = libc.syscall(SETUP, 1, parameters)
		    if ring < 0:
		        raise OSError(ctypes.get_errno(), "io_uring_setup")
		    # Offsets of both rings: head, tail, mask, entries, flags, dropped, array; head, tail, mask, entries,
		    # overflow, cqes. One mapping has both.
		    queue = struct.unpack_from("7I", parameters, 40)
		    done = struct.unpack_from("6I", parameters, 80)
		    rings = mmap.mmap(ring, 4096, offset=0)
		    entries = mmap.mmap(ring, 4096, offset=0x10000000)
		    attribute = ctypes.create_string_buffer(struct.pack("=HHIQQQ", CHECK_GUARD | CHECK_REFERENCE, 0,
		        len(information), address(information), seed, 0), 32)
		    entries[:64] = struct.pack("=BBHiQQIIQHHiQQ", opcode, 0, 0, fd, at, address(data), len(data), 0, 1,
		        0, 0, 0, ctypes.addressof(attribute), WITH_PI)
		    struct.pack_into("I", rings, queue[6], 0)
		    struct.pack_into("I", rings, queue[1], 1)
		    if libc.syscall(ENTER, ring, 1, 1, GETEVENTS, None, 0) != 1:
		        raise OSError(ctypes.get_errno(), "io_uring_enter")
		    result = struct.unpack_from("=Qi", rings, done[5])[1]
		    os.close(ring)
		    return result

		def address(memory):
		    return ctypes.addressof(ctypes.c_char.from_buffer(memory))

		verb, device, sector, count, tag = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6])
		data, information = mmap.mmap(-1, count * SECTOR), mmap.mmap(-1, 4096)
		information = memoryview(information)[:count * 8]
		wanted = bytes((tag & 255,)) * count * SECTOR
		one = guard(wanted[:SECTOR])
		right = b"".join(struct.pack(">HHI", one, tag, sector + index) for index in range(count))
		fd = os.open(device, os.O_RDWR | os.O_DIRECT)
		if verb == "write":
		    data[:] = wanted
		    information[:] = right
		    if sys.argv[6:] == ["wrong"]:
		        information[-8] ^= 1
		result = submit(WRITE if verb == "write" else READ, fd, data, sector * SECTOR, information, sector)
		if result < 0:
		    sys.exit(os.strerror(-result))
		if result != count * SECTOR:
		    sys.exit(f"{result} bytes")
		if verb == "read":
		    print(bytes(information[:8]).hex(), right[:8].hex())
		    sys.exit(data[:] != wanted or bytes(information) != right)
	END
	python3 /tmp/tuples.py "$@"
}

cycle() {
	mode=$1
	map_create m "0 $DEBUG_SECTORS multipath 2 queue_mode $mode 0 1 1 round-robin 0 2 1 $silent_number 1 $other_number 1"
	check "$mode: the map has its paths' profile" eval "[ $(cat /sys/block/dm-0/integrity/format) = T10-DIF-TYPE1-CRC ]"

	# The block layer's own: made for each write, checked after each read.
	writes=$(passed WRITE) reads=$(passed READ) errors=$(wrong)
	head -c $SIZE /dev/urandom >/tmp/data
	check "$mode: data are written with protection information" eval "write_data /tmp/data && [ \$(passed WRITE) -ge $((writes + SIZE / 65536)) ]"
	check "$mode: and read with it" eval "same_data /tmp/data $MAP && [ \$(passed READ) -ge $((reads + SIZE / 65536)) ]"
	check "$mode: each path reads the same" eval "same_data /tmp/data /dev/$silent && same_data /tmp/data /dev/$other"
	check "$mode: none of it was wrong" [ "$(wrong)" = "$errors" ]

	# A sector changes and its tuple does not.
	echo 0 >"/sys/block/$other/integrity/write_generate"
	dd if=/dev/zero of="/dev/$other" bs=512 seek=100 count=1 oflag=direct 2>/dev/null
	echo 1 >"/sys/block/$other/integrity/write_generate"
	bad="dd if=$MAP of=/dev/null bs=4k skip=12 count=1 iflag=direct"
	check "$mode: a sector that does not fit its tuple is an error" fails_with "Invalid or incomplete" $bad
	check "$mode: over the other path, too" fails_with "Invalid or incomplete" $bad
	check "$mode: and no failure of a path" both_active
	check "$mode: scsi_debug has seen it" [ "$(wrong)" -ge $((errors + 2)) ]
	check "$mode: the sectors beside it read" dd if=$MAP of=/dev/null bs=4k skip=13 count=8 iflag=direct
	write_data /tmp/data
	check "$mode: written again it reads" same_data /tmp/data $MAP
	errors=$(wrong)

	# An application's own.
	check "$mode: an application's tuples are written" tuples write $MAP 2048 8 $((tag + 1))
	check "$mode: and read" tuples read $MAP 2048 8 $((tag + 1))
	check "$mode: they are on the disk, as they were given" eval "tuples read /dev/$silent 2048 8 $((tag + 1)) && tuples read /dev/$other 2048 8 $((tag + 1))"
	check "$mode: one that is wrong is refused" fails_with "Invalid or incomplete" tuples write $MAP 2048 8 $((tag + 2)) wrong
	check "$mode: and no failure of a path" both_active
	check "$mode: what was there is there" tuples read $MAP 2048 8 $((tag + 1))

	# A path fails under them: what is sent again is as it was.
	loses "$silent" $WRITE10
	errors=$(wrong)
	head -c $SIZE /dev/urandom >/tmp/data
	check "$mode: a path is lost under writes" eval "write_data /tmp/data && path_failed m $silent_number"
	check "$mode: all came over the other" same_data /tmp/data "/dev/$other"
	map_message m reinstate_path "$silent_number"
	# A bio may have been split by then: what is left of it is not where it began. (A request is never split.)
	if [ "$mode" = bio ]; then
		echo $SPLIT_KIB >"/sys/block/$silent/queue/max_sectors_kb"
	fi
	check "$mode: a path is lost under an application's writes" both_writes
	check "$mode: their tuples came over the other" eval "tuples read /dev/$other 4096 16 $((tag + 3)) && tuples read /dev/$other 4112 16 $((tag + 4))"
	check "$mode: none of it was wrong" [ "$(wrong)" = "$errors" ]
	delivers "$silent" $WRITE10
	map_remove m
	tag=$((tag + 16))
}
# both_writes: one of two meets the path that is lost, whose turn it may be.
both_writes() {
	tuples write $MAP 4096 16 $((tag + 3)) && tuples write $MAP 4112 16 $((tag + 4)) && path_failed m "$silent_number"
}

debug_paths dif=1 dix=1 || die "no disks"
trace_commands
silent_number=$(number_of "$silent")
other_number=$(number_of "$other")
load_target || die "no target"
tag=16
cycle rq
cycle bio
check "the target can be unloaded" unload_target
finish
