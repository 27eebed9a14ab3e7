#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What the kernel's integrity measurement (IMA) records of maps: the same tables with the stock dm-multipath
# and with rmpath in one guest, compared line by line.
# topology: mpath
# timeout: 150
# append: ima_policy=critical_data
# modules: dm_multipath dm_round_robin dm_queue_length dm_service_time
# tests: 8
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
set -eu
plan 8
require_cmd dmsetup python3

SECTORS=1048576
LIST=/sys/kernel/security/ima/ascii_runtime_measurements

# tables: one a line; @1 @2 @3 are paths.
tables() {
	cat <<-'END'
		0 0 0 0
		0 0 1 1 round-robin 0 2 1 @1 1 @2 1
		0 0 1 1 queue-length 0 2 1 @1 1 @2 1
		0 0 1 1 service-time 0 3 2 @1 1 100 @2 1 0 @3 0 7
		0 0 2 2 round-robin 0 1 1 @1 1 service-time 0 2 2 @2 1 1 @3 1 1
		0 0 3 1 round-robin 0 1 1 @1 1 round-robin 0 1 1 @2 1 queue-length 0 1 1 @3 1
		3 queue_if_no_path queue_mode bio 0 1 1 round-robin 0 2 1 @1 1 @2 1
		4 pg_init_retries 5 queue_mode rq 0 2 1 round-robin 0 2 1 @1 1 @2 1 round-robin 0 1 1 @3 1
	END
	# Longer than the buffer of a target: 40 paths in each of 2 groups.
	many=$(for _ in $(seq 40); do printf ' @1 1'; done)
	echo "0 0 2 1 round-robin 0 40 1$many queue-length 0 40 1$many"
}

# An equal measurement is not recorded again: the maps' names say which target they had.
run() {
	TARGET=$1
	load_target || die "no target $1"
	number=0
	tables | sed "s|@1|$first|g; s|@2|$second|g; s|@3|$third|g" >/tmp/tables
	while read -r table; do
		number=$((number + 1))
		name=$2$number
		dmsetup create --noudevsync "$name" -u "uuid-$name" --table "0 $SECTORS multipath $table" ||
			die "$1: no map: $table"
		# A table that is cleared, one that comes instead, another name.
		dmsetup load "$name" --table "0 8192 multipath $table"
		dmsetup clear "$name"
		dmsetup load "$name" --table "0 16384 multipath $table"
		dmsetup resume --noudevsync "$name"
		dmsetup rename --noudevsync "$name" "${name}x"
		dmsetup remove --noudevsync "${name}x"
	done </tmp/tables
	unload_target
}

# decode PREFIX: what was recorded of the maps of this name, a line each, without what depends on the name.
decode() {
	python3 -c '
import re, sys
for line in open(sys.argv[1]):
    words = line.split()
    if words[2] == "ima-buf" and words[4].startswith("dm_"):
        text = bytes.fromhex(words[5]).decode()
        if re.search(f"name={sys.argv[2]}[0-9]", text):
            text = re.sub(r"(name=|uuid=uuid-|new_name=)" + sys.argv[2], r"\1@", text)
            print(words[4], re.sub("sha256:[0-9a-f]{64}", "sha256:@", text))
' "$LIST" "$1"
}

# hashes PREFIX: the hash that a resume records is that of a table that was loaded before.
hashes() {
	python3 -c '
import hashlib, re, sys
loaded, seen = set(), 0
for line in open(sys.argv[1]):
    words = line.split()
    if words[2] != "ima-buf" or not words[4].startswith("dm_"):
        continue
    text = bytes.fromhex(words[5])
    if words[4] == "dm_table_load":
        loaded.add(hashlib.sha256(text).hexdigest())
    elif words[4] == "dm_device_resume" and f"name={sys.argv[2]}".encode() in text:
        seen += 1
        if re.search(rb"active_table_hash=sha256:([0-9a-f]+)", text)[1].decode() not in loaded:
            sys.exit(f"not loaded: {text}")
print(f"{seen} resumed")
sys.exit(seen < 18)
' "$LIST" "$1"
}

# count EVENT N: rmpath has so many.
count() { [ "$(grep -c "^$1 " /tmp/rmpath)" -ge "$2" ]; }

mount -t securityfs securityfs /sys/kernel/security || :
[ -r "$LIST" ] || skip_rest "the kernel has no IMA"
load_paths
find_paths 3

run dm_multipath c
run rmpath r
decode c >/tmp/dm_multipath
decode r >/tmp/rmpath
cat /tmp/rmpath
check "tables were recorded" count dm_table_load 27
check "with selectors, groups and paths" grep -q \
	"target_name=multipath,target_version=[0-9.]*,nr_priority_groups=2,pg_state_0=E,nr_pgpaths_0=1,path_selector_name_0=round-robin,path_name_0_0=$first,is_active_0_0=A,fail_count_0_0=0,path_selector_status_0_0=,pg_state_1=E" /tmp/rmpath
check "one that is longer than the record is cut" eval "awk 'length > 2000 { n++ } END { exit !n }' /tmp/rmpath"
check "resumed devices were recorded" count dm_device_resume 18
check "cleared tables were" count dm_table_clear 9
check "removed devices were" count dm_device_remove 9
check "the hash of a resumed table is that of one that was loaded" hashes r
check "all is as of the stock target, line by line" diff -U 1 /tmp/dm_multipath /tmp/rmpath
finish
