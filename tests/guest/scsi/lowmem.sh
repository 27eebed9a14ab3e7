#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# With hardly any memory the driver either loads or fails cleanly, and works when there is memory again.
# topology: gen2,mem=512
# timeout: 150
# tests: 5
# allow-log: Out of memory: Killed process \d+ \(python3\) | the process that takes the memory away
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
set -eu
plan 5
require_cmd python3

# Takes memory until so many MiB are left, and is the first to go when the kernel needs some.
hog() {
	exec python3 -c '
import sys, time
open("/proc/self/oom_score_adj", "w").write("1000")
def left():
    return next(int(line.split()[1]) for line in open("/proc/meminfo") if line.startswith("MemAvailable"))
kept = []
while left() > int(sys.argv[1]) * 1024:
    kept.append(bytearray(b"x" * (1 << 20)))
open("/tmp/hog", "w").close()
while True:
    time.sleep(3600)
' "$1"
}
taken() { [ -e /tmp/hog ] || ! kill -0 "$hog" 2>/dev/null; }

clean=yes
loaded=0
refused=0
insmod /ironpath/modules/storage.ko
for left in 64 32 16 8 4 2; do
	rm -f /tmp/hog
	hog $left &
	hog=$!
	wait_for 30 taken || die "the memory cannot be taken"
	if answer=$(insmod "/ironpath/modules/$DRIVER.ko" 2>&1); then
		loaded=$((loaded + 1))
	else
		refused=$((refused + 1))
		case $answer in
		*"Cannot allocate memory"*) ;;
		*) clean=no ;;
		esac
		echo "$left MiB: $answer"
	fi
	kill "$hog" 2>/dev/null || :
	wait "$hog" || :
	[ ! -d "/sys/module/$DRIVER" ] || wait_for 20 rmmod "$DRIVER" || clean=no
done
echo "$loaded times loaded, $refused times refused"
check "it loads, or there is no memory" [ "$clean" = yes ]
check "a probe fails with ENOMEM only" eval "! dmesg | grep 'probe.* failed with error' | grep -qv 'error -12'"
load_modules
check "with memory it finds the disks" wait_for 20 disk_count 2
disk=$(disk_by_serial IRON0001)
check "a disk can be read" dd if="/dev/$disk" of=/dev/null bs=64k count=16 iflag=direct
check "the modules can be unloaded" wait_for 20 unload_modules
finish
