#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Tables, right and wrong, and messages, one after the other, to the stock dm-multipath and to rmpath: the
# same errno, the same table and status afterwards, line by line.
# topology: mpath
# timeout: 180
# modules: dm_multipath dm_round_robin dm_queue_length dm_service_time scsi_dh_alua scsi_dh_rdac scsi_dh_emc
# allow-log: I/O error, dev dm- | I/O of a map without paths is to fail
# tests: 7
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
# shellcheck source=tests/guest/mpath/lib.sh
. /ironpath/mpath.sh
set -eu
plan 7
require_cmd dmsetup python3

SECTORS=1048576

# tables: one a line; @1 @2 @3 are paths.
tables() {
	cat <<-'END'
		0 0 1 1 round-robin 0 2 1 @1 1 @2 1
		0 0 1 1 round-robin 0 2 1 @1 1000 @2 1000
		0 0 1 1 round-robin 0 2 0 @1 @2
		0 0 1 1 queue-length 0 2 1 @1 1 @2 1
		0 0 1 1 queue-length 0 1 0 @1
		0 0 1 1 service-time 0 2 2 @1 1 1 @2 1 1
		0 0 1 1 service-time 0 2 1 @1 1 @2 1
		0 0 1 1 service-time 0 2 0 @1 @2
		0 0 1 1 service-time 0 3 2 @1 1 100 @2 1 0 @3 0 7
		0 0 2 1 round-robin 0 1 1 @1 1 service-time 0 2 2 @2 1 1 @3 1 1
		0 0 2 2 round-robin 0 1 1 @1 1 round-robin 0 1 1 @2 1
		0 0 3 3 round-robin 0 1 1 @1 1 round-robin 0 1 1 @2 1 round-robin 0 1 1 @3 1
		0 0 2 7 round-robin 0 1 1 @1 1 round-robin 0 1 1 @2 1
		0 0 1 1 round-robin 0 2 1 @1 1 @1 1
		0 0 0 0
		1 queue_if_no_path 0 1 1 service-time 0 2 2 @1 1 1 @2 1 1
		1 QUEUE_IF_NO_PATH 0 1 1 service-time 0 2 2 @1 1 1 @2 1 1
		2 queue_if_no_path queue_if_no_path 0 1 1 service-time 0 2 2 @1 1 1 @2 1 1
		1 retain_attached_hw_handler 0 1 1 service-time 0 2 2 @1 1 1 @2 1 1
		2 queue_if_no_path retain_attached_hw_handler 0 1 1 service-time 0 2 2 @1 1 1 @2 1 1
		2 pg_init_retries 5 0 1 1 round-robin 0 1 1 @1 1
		2 pg_init_retries 50 0 1 1 round-robin 0 1 1 @1 1
		2 pg_init_retries 0 0 1 1 round-robin 0 1 1 @1 1
		2 pg_init_retries 51 0 1 1 round-robin 0 1 1 @1 1
		2 pg_init_retries x 0 1 1 round-robin 0 1 1 @1 1
		1 pg_init_retries 0 1 1 round-robin 0 1 1 @1 1
		2 pg_init_delay_msecs 0 0 1 1 round-robin 0 1 1 @1 1
		2 pg_init_delay_msecs 60000 0 1 1 round-robin 0 1 1 @1 1
		2 pg_init_delay_msecs 60001 0 1 1 round-robin 0 1 1 @1 1
		2 pg_init_delay_msecs -1 0 1 1 round-robin 0 1 1 @1 1
		1 pg_init_delay_msecs 0 1 1 round-robin 0 1 1 @1 1
		2 queue_mode bio 0 1 1 service-time 0 2 2 @1 1 1 @2 1 1
		2 queue_mode rq 0 1 1 service-time 0 2 2 @1 1 1 @2 1 1
		2 queue_mode mq 0 1 1 service-time 0 2 2 @1 1 1 @2 1 1
		2 queue_mode BIO 0 1 1 service-time 0 2 2 @1 1 1 @2 1 1
		2 queue_mode blk 0 1 1 service-time 0 2 2 @1 1 1 @2 1 1
		1 queue_mode 0 1 1 service-time 0 2 2 @1 1 1 @2 1 1
		4 queue_mode bio queue_mode rq 0 1 1 round-robin 0 1 1 @1 1
		7 queue_if_no_path pg_init_retries 3 pg_init_delay_msecs 10 queue_mode bio 0 1 1 round-robin 0 1 1 @1 1
		8 queue_if_no_path retain_attached_hw_handler pg_init_retries 3 pg_init_delay_msecs 10 queue_mode bio 0 1 1 round-robin 0 1 1 @1 1
		9 queue_if_no_path queue_if_no_path queue_if_no_path pg_init_retries 3 pg_init_delay_msecs 10 queue_mode bio 0 1 1 round-robin 0 1 1 @1 1
		2 queue_mode bio 1 alua 1 1 round-robin 0 1 1 @1 1
		2 queue_mode bio 3 emc 1 0 1 1 round-robin 0 1 1 @1 1
		1 no_such_feature 0 1 1 round-robin 0 1 1 @1 1
		1 queue_if_no_pat 0 1 1 round-robin 0 1 1 @1 1
		1 queue_if_no_pathx 0 1 1 round-robin 0 1 1 @1 1
		-1 0 1 1 round-robin 0 1 1 @1 1
		x 0 1 1 round-robin 0 1 1 @1 1
		9 0 1 1 round-robin 0 1 1 @1 1
		00 0 1 1 round-robin 0 1 1 @1 1
		+0 0 1 1 round-robin 0 1 1 @1 1
		0x0 0 1 1 round-robin 0 1 1 @1 1
		4294967296 0 1 1 round-robin 0 1 1 @1 1
		4294967297 queue_if_no_path 0 1 1 round-robin 0 1 1 @1 1
		18446744073709551616 0 1 1 round-robin 0 1 1 @1 1
		2 queue_if_no_path
		0
		0 0
		0 0 1
		0 0 1 1
		0 0 1 1 round-robin
		0 0 1 1 round-robin 0
		0 0 1 1 round-robin 0 1
		0 0 1 1 round-robin 0 1 1
		0 0 1 1 round-robin 0 1 1 @1
		0 0 1 1 round-robin 0 2 1 @1 1
		0 0 1 1 round-robin 0 2 1 @1 1 @2
		0 0 1 1 round-robin 0 1 1 @1 1 @2
		0 0 1 1 round-robin 0 1 1 @1 1 x y
		0 0 1 1 round-robin 0 0 1
		0 0 1 1 round-robin 0 1025 1 @1 1
		0 0 1 1 round-robin 0 1 1025 @1 1
		0 0 1 1 round-robin 0 x 1 @1 1
		0 0 1 1 round-robin 0 1 x @1 1
		0 0 1 1 round-robin x 1 1 @1 1
		0 0 1 1 round-robin 1 1 1 @1 1
		0 0 1 1 round-robin 1 5 1 1 @1 1
		0 0 1 1 queue-length 2 5 6 1 1 @1 1
		0 0 1 1 round-robin 1025 1 1 @1 1
		0 0 1 1 round-robin 9 1 1 @1 1
		0 0 1 1 no-such-selector 0 1 1 @1 1
		0 0 1 1 Round-Robin 0 1 1 @1 1
		0 0 1 1 round-robin 0 1 2 @1 1 1
		0 0 1 1 round-robin 0 1 1 @1 x
		0 0 1 1 round-robin 0 1 1 @1 -1
		0 0 1 1 queue-length 0 1 2 @1 1 1
		0 0 1 1 queue-length 0 1 1 @1 x
		0 0 1 1 service-time 0 1 3 @1 1 1 1
		0 0 1 1 service-time 0 1 2 @1 x 1
		0 0 1 1 service-time 0 1 2 @1 1 x
		0 0 1 1 service-time 0 1 2 @1 1 101
		0 0 1 1 historical-service-time 0 2 1 @1 1 @2 1
		0 0 1 1 historical-service-time 0 2 1 @1 1000 @2 0
		0 0 1 1 historical-service-time 0 2 0 @1 @2
		0 0 1 1 historical-service-time 1 500 2 1 @1 1 @2 1
		0 0 1 1 historical-service-time 2 500 3 2 1 @1 1 @2 1
		0 0 1 1 historical-service-time 2 0 4294967295 1 1 @1 1
		0 0 1 1 historical-service-time 2 1023 0 1 1 @1 1
		0 0 2 1 historical-service-time 1 7 1 1 @1 1 io-affinity 0 1 1 @2 2
		0 0 1 1 historical-service-time 1 1024 1 1 @1 1
		0 0 1 1 historical-service-time 1 -1 1 1 @1 1
		0 0 1 1 historical-service-time 1 x 1 1 @1 1
		0 0 1 1 historical-service-time 2 500 x 1 1 @1 1
		0 0 1 1 historical-service-time 2 500 -1 1 1 @1 1
		0 0 1 1 historical-service-time 3 500 1 1 1 1 @1 1
		0 0 1 1 historical-service-time 2 500
		0 0 1 1 historical-service-time 2 500 1 1
		0 0 1 1 historical-service-time 0 1 2 @1 1 1
		0 0 1 1 historical-service-time 0 2 2 @1 1 @2 1
		0 0 1 1 historical-service-time 0 1 1 @1
		0 0 1 1 historical-service-time 0 1 1 @1 x
		0 0 1 1 historical-service-time 0 1 1 @1 -1
		0 0 1 1 io-affinity 0 2 1 @1 1 @2 2
		0 0 1 1 io-affinity 0 2 1 @1 2 @2 1
		0 0 1 1 io-affinity 0 2 1 @1 3 @2 3
		0 0 1 1 io-affinity 0 2 1 @1 1 @2 3
		0 0 1 1 io-affinity 0 2 1 @1 3 @2 1
		0 0 1 1 io-affinity 0 1 1 @1 1
		0 0 1 1 io-affinity 0 1 1 @1 00000000,00000002
		0 0 1 1 io-affinity 0 1 1 @1 0x1
		0 0 1 1 io-affinity 0 1 1 @1 1,
		0 0 1 1 io-affinity 0 1 1 @1 0
		0 0 1 1 io-affinity 0 1 1 @1 4
		0 0 1 1 io-affinity 0 1 1 @1 x
		0 0 1 1 io-affinity 0 1 1 @1
		0 0 1 1 io-affinity 0 1 0 @1
		0 0 1 1 io-affinity 0 1 2 @1 1 2
		0 0 1 1 io-affinity 0 2 2 @1 1 1 @2 2 1
		0 0 1 1 io-affinity 0 2 1 @1 1 @2
		0 0 1 1 io-affinity 1 5 1 1 @1 1
		0 0 1 1 io-affinity 2 5 1 1 @1 1
		0 0 0 1
		0 0 1 0 round-robin 0 1 1 @1 1
		0 0 0 0 round-robin 0 1 1 @1 1
		0 0 2 1 round-robin 0 1 1 @1 1
		0 0 1 1 round-robin 0 1 1 @1 1 round-robin 0 1 1 @2 1
		0 0 1025 1 round-robin 0 1 1 @1 1
		0 0 1 1025 round-robin 0 1 1 @1 1
		0 0 x 1 round-robin 0 1 1 @1 1
		0 0 1 x round-robin 0 1 1 @1 1
		0 x 1 1 round-robin 0 1 1 @1 1
		0 1025 1 1 round-robin 0 1 1 @1 1
		0 99 1 1 round-robin 0 1 1 @1 1
		0 1 no_such_handler 1 1 round-robin 0 1 1 @1 1
		0 1 alua 1 1 round-robin 0 1 1 @1 1
		0 2 alua 1 1 1 round-robin 0 1 1 @1 1
		0 1 rdac 1 1 round-robin 0 1 1 @1 1
		0 3 emc 1 0 1 1 round-robin 0 1 1 @1 1
		0 0 1 1 round-robin 0 1 1 99:99 1
		0 0 1 1 round-robin 0 1 1 8:4000000 1
		0 0 1 1 round-robin 0 1 1 99999:1 1
		0 0 1 1 round-robin 0 1 1 8: 1
		0 0 1 1 round-robin 0 1 1 nonsense 1
		0 0 1 1 round-robin 0 1 1 /dev/null 1
		0 0 1 1 round-robin 0 1 1 /dev/sda 1
		0 0 1 1 round-robin 0 1 1 /no/such/file 1
		0 0 1 1 round-robin 0 2 1 @1 1 99:99 1
		0 0 1 1 round-robin 0 2 1 99:99 x @1 1
		0 0 2 1 round-robin 0 1 1 99:99 1 no-such-selector 0 1 1 @1 1
		0 0 1 1 round-robin 0 1 1 254:0 1
		0 0 1 1 round-robin 0 1 1 253:0 1
	END
}

# messages: to a map of two groups, @1 in the first, @2 @3 in the second. `!` begins a command.
messages() {
	cat <<-'END'
		queue_if_no_path
		fail_if_no_path
		Queue_If_No_Path
		FAIL_IF_NO_PATH
		queue_if_no_path now
		fail_if_no_path now
		switch_group 2
		!read
		switch_group 1
		!read
		switch_group 0
		switch_group 3
		switch_group x
		switch_group 1x
		switch_group -1
		switch_group +1
		switch_group 4294967297
		switch_group
		switch_group 1 2
		Switch_Group 2
		!read
		disable_group 1
		!read
		disable_group 2
		!read
		enable_group 1
		!read
		enable_group 2
		!read
		disable_group 0
		disable_group 3
		disable_group x
		enable_group 0
		enable_group 9
		enable_group
		switch_group 1
		!read
		fail_path @1
		!read
		fail_path @1
		fail_path @2
		!read
		!probe
		fail_path @3
		!read
		!probe
		!inquiry
		reinstate_path @3
		!read
		!probe
		!inquiry
		reinstate_path @3
		reinstate_path @1
		!read
		reinstate_path @2
		!read
		fail_path
		fail_path @1 @2
		fail_path 99:99
		fail_path 8:4000000
		fail_path nonsense
		fail_path /dev/null
		fail_path /no/such/file
		fail_path @4
		fail_path 8:
		reinstate_path
		reinstate_path @4
		reinstate_path nonsense
		FAIL_PATH @2
		!read
		Reinstate_Path @2
		fail_path /dev/sda
		!read
		reinstate_path /dev/sda
		no_such_message
		no_such_message 1
		no such message at all
		!suspend
		queue_if_no_path
		fail_path @1
		no_such_message
		!resume
		!read
		!noflush
		fail_if_no_path
		!resume
		!read
		queue_if_no_path
		!suspend
		!resume
		!noflush
		!resume
		fail_if_no_path
		!suspend
		!resume
		!ioctl 64786
		!ioctl 64799
		!ioctl 4711
	END
}

with_paths() {
	sed "s|@1|$first|g; s|@2|$second|g; s|@3|$third|g; s|@4|$other|g; s|/dev/sda|/dev/$disk|g"
}

# talk: device-mapper's ioctls without a process for each. What it reads are tables, or messages after
# `map TABLE`; after each it prints the error, and the table and status of the map.
talk() {
	cat >/tmp/talk.py <<-'END'
		import errno, fcntl, mmap, os, struct, sys

		HEAD = struct.Struct("=3IIIIiIIIQ128s129s7x")
		SPEC = struct.Struct("=QQiI16s")
		CREATE, REMOVE, SUSPEND, LOAD, STATUS, MESSAGE = 3, 4, 6, 9, 12, 14
		SUSPENDED, TABLE, NOFLUSH = 2, 16, 2048
		SECTORS = int(sys.argv[1])
		control = os.open("/dev/mapper/control", os.O_RDWR)

		def dm(number, flags=0, data=b"", targets=0):
		    size = 16384
		    head = HEAD.pack(4, 0, 0, size, HEAD.size, targets, 0, flags, 0, 0, 0, b"t", b"")
		    buffer = bytearray((head + data).ljust(size, b"\0"))
		    fcntl.ioctl(control, 3 << 30 | HEAD.size << 16 | 0xfd << 8 | number, buffer)
		    return buffer

		def minor():
		    return HEAD.unpack_from(dm(7))[10] & 0xff

		def load(line):
		    params = line.encode() + b"\0"
		    dm(LOAD, 0, SPEC.pack(0, SECTORS, 0, 0, b"multipath") + params, 1)
		    dm(SUSPEND)

		def state():
		    for flags in TABLE, 0:
		        text = dm(STATUS, flags)[HEAD.size + SPEC.size:]
		        print(text.split(b"\0")[0].decode(errors="replace"))

		def opened(what, *flags):
		    fd = os.open(f"/dev/dm-{minor()}", os.O_RDONLY | sum(flags))
		    try:
		        print(what(fd))
		    finally:
		        os.close(fd)

		def inquiry(fd):
		    # SG_IO: a standard INQUIRY of 36 bytes.
		    import ctypes
		    cdb = ctypes.create_string_buffer(bytes((0x12, 0, 0, 0, 36, 0)), 6)
		    answer = ctypes.create_string_buffer(36)
		    address = ctypes.addressof
		    header = bytearray(struct.pack("=iiBBHIQQQIIiQBBBBHHiII", ord("S"), -3, 6, 0, 0, 36,
		        address(answer), address(cdb), 0, 5000, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
		    fcntl.ioctl(fd, 0x2285, header)
		    return answer.raw[8:32]

		def read(fd):
		    return os.preadv(fd, [mmap.mmap(-1, 4096)], 0)

		COMMANDS = {
		    "!read": lambda: opened(read, os.O_DIRECT),
		    "!suspend": lambda: dm(SUSPEND, SUSPENDED),
		    "!noflush": lambda: dm(SUSPEND, SUSPENDED | NOFLUSH),
		    "!resume": lambda: dm(SUSPEND),
		    "!probe": lambda: opened(lambda fd: fcntl.ioctl(fd, 0xfd12)),
		    "!inquiry": lambda: opened(inquiry),
		}

		def ioctl(word):
		    opened(lambda fd: fcntl.ioctl(fd, int(word)))

		def attempt(what, *args):
		    try:
		        what(*args)
		        return True
		    except OSError as error:
		        print(errno.errorcode[error.errno])
		        return False

		single = False
		for line in map(str.rstrip, sys.stdin):
		    print("==", line, flush=True)
		    if line.startswith("map "):
		        dm(CREATE)
		        load(line[4:])
		        single = True
		    elif not single:
		        dm(CREATE)
		        if attempt(load, line):
		            state()
		        dm(REMOVE)
		        continue
		    elif line in COMMANDS:
		        attempt(COMMANDS[line])
		    elif line.startswith("!ioctl "):
		        attempt(ioctl, line.split()[1])
		    else:
		        attempt(dm, MESSAGE, 0, struct.pack("=Q", 0) + line.encode() + b"\0")
		    state()
		if single:
		    dm(REMOVE)
	END
	python3 -u /tmp/talk.py "$SECTORS"
}

try_messages() {
	groups="service-time 0 1 2 $first 1 1 round-robin 0 2 1 $second 1 $third 1"
	{
		echo "map $1 0 2 1 $groups"
		messages | with_paths
	} | talk
}

run() {
	TARGET=$1
	load_target && load_selectors || die "no target $1"
	dmsetup targets | grep '^multipath ' >"/tmp/$1.version"
	tables | with_paths | talk >"/tmp/$1.tables" || die "tables: $(tail -n 3 "/tmp/$1.tables")"
	try_messages 0 >"/tmp/$1.rq" || die "messages: $(tail -n 3 "/tmp/$1.rq")"
	try_messages "2 queue_mode bio" >"/tmp/$1.bio" || die "messages: $(tail -n 3 "/tmp/$1.bio")"
	unload_selectors
	unload_target
}

same() { diff -U 3 "/tmp/dm_multipath.$1" "/tmp/rmpath.$1"; }
lines() { [ "$(grep -c '^==' "/tmp/rmpath.$1")" -ge "$2" ]; }

modprobe virtio_scsi
wait_for 20 path_count IRON0001 1 || die "no paths"
insert rmegasas
wait_for 20 path_count IRON0000 3 || die "no paths"
settle
# shellcheck disable=SC2046 # words
set -- $(paths_to IRON0000)
disk=$1
first=$(number_of "$1")
second=$(number_of "$2")
third=$(number_of "$3")
other=$(number_of "$(paths_to IRON0001)")

run dm_multipath
run rmpath
check "the version" same version
check "more than 100 tables were tried" lines tables 100
check "tables: errno, table and status" same tables
check "more than 80 messages and other steps were tried" lines rq 80
check "messages, requests: errno, table and status" same rq
check "messages, bios: errno, table and status" same bio
check "none of it was for nothing" eval "grep -q 'service-time 0 2 2' /tmp/rmpath.tables && grep -q ' F 1' /tmp/rmpath.rq &&
	grep -q '^0 .* historical-service-time 2 500 3 2 1 ' /tmp/rmpath.tables && grep -q '^0 .* io-affinity 0 2 1 .* 2 ' /tmp/rmpath.tables"
finish
