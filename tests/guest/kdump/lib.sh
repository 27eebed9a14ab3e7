# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154 # shared with lib.sh
# Functions for the scripts of this group: a filesystem for the dump, the capture kernel, the crash.
#
# A script sources lib.sh and this file, then calls kdump_disks SERIALS, kdump_load [NAME=VALUE...] and at
# last kdump_crash. The points go on in the capture kernel (qemu/guest/capture, which says what
# the NAMEs are) and outside (tests/outside/dump.py): KDUMP_POINTS counts both.

# Points that follow the crash: in the capture kernel, and outside.
KDUMP_POINTS=$((8 + 6))

# How Debian's kdump-tools starts a capture kernel, and what the guest needs of it.
KDUMP_APPEND="reset_devices nr_cpus=1 ${KDUMP_IRQPOLL-irqpoll} panic=-1 oops=panic console=ttyS0 ignore_loglevel
	printk.devkmsg=on no_timer_check random.trust_cpu=on $IRONPATH_APPEND"

# What is awaited in the kernel that is to crash may take so long on a busy machine without KVM.
KDUMP_SECONDS=180

# A process of the crashed kernel holds so many pages of known contents.
PATTERN_PAGES=64

note() { printf 'note %s\n' "$*" >&8; }

# The C driver refuses every write that asks to reach the medium (FUA): ext4 must not ask.
KDUMP_MOUNT=defaults
[ "$DRIVER" != megaraid_sas ] || KDUMP_MOUNT=barrier=0

# kdump_disks SERIALS [PARAMETER...]: the driver, and an ext4 filesystem on each of these disks.
kdump_disks() {
	serials=$1
	shift
	load_modules "$@"
	check "the driver finds both disks" wait_for $KDUMP_SECONDS disk_count 2
	for serial in $serials; do
		mkfs.ext4 -q -F -m 0 -E nodiscard,lazy_itable_init=1,lazy_journal_init=1 \
			"/dev/$(disk_by_serial "$serial")" || die "no filesystem"
	done
	sync
}

# rung: the best interrupt that the topology's controller has.
rung() {
	case $IRONPATH_TOPOLOGY in
	*msi=off*) echo intx ;;
	*msi=on*) echo msi ;;
	*) echo msix ;;
	esac
}

# hold_pattern: starts the process. Its seed goes outside; the pages themselves are nowhere else.
hold_pattern() {
	python3 -c '
import hashlib, mmap, os, sys
count, seed = int(sys.argv[1]), os.urandom(32)
pages = mmap.mmap(-1, count * 4096)
for number in range(count):
    block = hashlib.shake_256(seed + number.to_bytes(4, "little")).digest(4096)
    pages[number * 4096:(number + 1) * 4096] = block
print(seed.hex(), flush=True)
sys.stdin.read()' "$PATTERN_PAGES" <&7 >/run/pattern &
}

# kdump_program PATH: the capture kernel gets this program of the guest's as well, with its libraries.
kdump_program() {
	mkdir -p /run/choice/bin
	cp "$1" /run/choice/bin/
	# Its loader is there, and libraries are where their links lead to.
	for library in $(LD_TRACE_LOADED_OBJECTS=1 "$1" | grep -o '/[^ ]*' | grep -v /ld-linux); do
		folder=/run/choice$(readlink -f "$(dirname "$library")")
		mkdir -p "$folder"
		cp -L "$library" "$folder/"
	done
	echo "$1 and its libraries: $(du -s -k /run/choice | cut -f1) KiB"
}

# kdump_load [NAME=VALUE...]: loads the stock kernel as capture kernel, with the test's choice.
kdump_load() {
	# Held open by this script: the process waits until the crash.
	mkfifo /run/never
	exec 7<>/run/never
	hold_pattern
	wait_for $KDUMP_SECONDS [ -s /run/pattern ] || die "no process holds the pattern"
	note "pattern $PATTERN_PAGES $(cat /run/pattern)"
	mkdir -p /run/choice/ironpath
	{
		printf 'DRIVER=%s\nCAPTURE_DISK=IRON0000\nCAPTURE_MOUNT=%s\n' "$DRIVER" $KDUMP_MOUNT
		for choice; do
			printf "%s='%s'\n" "${choice%%=*}" "${choice#*=}"
		done
	} >/run/choice/ironpath/env
	(cd /run/choice && find . | busybox cpio -o -H newc) >/run/choice.cpio
	cat /ironpath/capture.cpio /run/choice.cpio >/run/capture.cpio
	# shellcheck disable=SC2086 # one line
	check "kexec loads the capture kernel" kexec -p -s /ironpath/vmlinuz \
		--initrd=/run/capture.cpio --append="$(echo $KDUMP_APPEND)"
	[ "$(cat /sys/kernel/kexec_crash_loaded)" = 1 ] || die "no capture kernel is loaded"
	rm /run/capture.cpio
}

# kdump_crash [COMMAND...]: tells the kernel log what to look for in the dump, and crashes.
kdump_crash() {
	[ "$ktap_failed" = 0 ] || die "a point failed before the crash"
	crash_mark="ironpath-crash $(tr -d - </proc/sys/kernel/random/uuid)"
	echo "$crash_mark" >/dev/kmsg
	note "mark $crash_mark"
	echo 1 >/proc/sys/kernel/sysrq
	if [ $# = 0 ]; then
		echo c >/proc/sysrq-trigger
	else
		"$@"
	fi
	# A crash that an interrupt brings comes when it comes: the header's timeout bounds this.
	tail -f /dev/null
}
