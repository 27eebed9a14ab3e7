# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Functions for guest scripts: points in KTAP, requests to QEMU, modules, kernel log.
#
# A script starts with `. /ironpath/lib.sh` and `set -eu`, then `plan N`, reports N points by `pass`, `fail`,
# `skip` or `check`, and ends with `finish`. What it prints otherwise goes to the log only.

# Sets DRIVER, the module that drives the controllers (rmegasas unless the run says otherwise).
# shellcheck source=/dev/null # written by the launcher
. /ironpath/env
DRIVER=${DRIVER:-rmegasas}

# --- points ----------------------------------------------------------------------------------

ktap_planned=0
ktap_done=0
ktap_failed=0

# To the runner by the control port, and to the log. One write: lines of others do not mix with it.
ktap_line() {
	printf 'ktap %s\n' "$*" >&8
	printf '%s\n' "$*"
}

# say TEXT: shown to whoever started the guest.
say() {
	printf 'say %s\n' "$*" >&8
	printf '%s\n' "$*"
}

# plan N: how many points follow.
plan() {
	ktap_planned=$1
	ktap_line "KTAP version 1"
	ktap_line "1..$ktap_planned"
}

# pass NAME
pass() {
	ktap_done=$((ktap_done + 1))
	ktap_line "ok $ktap_done $*"
}

# fail NAME [REASON]
fail() {
	ktap_done=$((ktap_done + 1))
	ktap_failed=$((ktap_failed + 1))
	ktap_line "not ok $ktap_done $1${2:+ # $2}"
}

# skip NAME REASON
skip() {
	ktap_done=$((ktap_done + 1))
	ktap_line "ok $ktap_done $1 # SKIP $2"
}

# check NAME COMMAND...: a point that is the command's exit status; its output goes to the log.
check() {
	ktap_name=$1
	shift
	if "$@"; then
		pass "$ktap_name"
	else
		fail "$ktap_name" "exit status $?: $*"
	fi
}

# skip_rest REASON: skips all points that are left, and finishes.
skip_rest() {
	while [ "$ktap_done" -lt "$ktap_planned" ]; do
		skip "point $((ktap_done + 1))" "$1"
	done
	finish
}

# bail_out REASON: the run fails, whatever follows.
bail_out() {
	ktap_line "Bail out! $*"
	return 1
}

# die REASON: nothing more can be tested; the points that are left are missing, which fails the run.
die() {
	bail_out "$@" || exit 1
}

# finish: exits with the truth about the points so far.
finish() {
	[ "$ktap_failed" = 0 ] && [ "$ktap_done" = "$ktap_planned" ] || exit 1
	exit 0
}

# require_cmd COMMAND...: skips the rest of the script when the guest lacks one.
require_cmd() {
	for ktap_name; do
		command -v "$ktap_name" >/dev/null 2>&1 || skip_rest "the guest has no $ktap_name"
	done
}

# --- requests to QEMU ------------------------------------------------------------------------

# ctl REQUEST...: asks the launcher, prints the answer; fails when QEMU refuses. Requests:
#   qmp JSON                        any QMP message
#   hmp LINE                        any line of the human monitor
#   io DISK COMMAND                 a qemu-io command on disk0, disk1
#   hold DISK read|write TAG        the next such request stays in the device (topology blkdebug,
#                                   disk0; one hold is one request)
#   release DISK TAG                the held request goes on
#   inject DISK read|write|flush|discard|write-zeroes SECTOR|any ERRNO [once]
#                                   such requests fail (topology blkdebug, disk0; nothing held)
#   heal DISK                       no more injected errors
#   throttle DISK IOPS              the disk serves no more requests in a second; 0: as many as it can
#   trace start|stop EVENT...       QEMU's trace events of these names (`megasas_dcmd_*`) are recorded from
#                                   now on, or no more; counts are from here on
#   trace mark                      counts are from here on
#   trace count REGEX               how many events `NAME ARGUMENTS` match from their beginning
#   trace lines REGEX               they themselves, as many as an answer holds (3500 bytes)
#   trace last REGEX                the last of them
#   sha256 DISK OFFSET LENGTH       of these bytes of the disk's image file
#   stat DISK FIELD                 a count of QEMU's for the disk: rd_operations, wr_bytes, unmap_bytes,
#                                   flush_operations, ... (query-blockstats)
#   device_del ID                   unplugs disk0, hba0, ...
#   pause SECONDS                   the machine stands still, while its clock goes on
#   sysrq KEY                       from the serial console: the kernel acts in an interrupt
#   wait_deleted ID SECONDS         until an unplugged device has gone
ctl() {
	# One request at a time: the answer is the next line that the port gives.
	ctl_answer=$(
		exec 9>/run/ctl.lock
		flock 9
		printf '%s\n' "$*" >&8
		IFS= read -r line <&8
		printf '%s' "$line"
	)
	case $ctl_answer in
	ok\ ?*) printf '%b\n' "${ctl_answer#ok }" ;;
	ok*) ;;
	*)
		printf 'ctl %s: %b\n' "$*" "${ctl_answer#error }" >&2
		return 1
		;;
	esac
}

# trace_start EVENT...: what QEMU's devices do is recorded, and counted from here on. trace_mark: counted from
# here on. trace_count REGEX: how many events there were.
trace_start() { ctl trace start "$@"; }
trace_mark() { ctl trace mark; }
trace_count() { ctl trace count "$1"; }

# traced N REGEX: there were exactly so many such events. The log has them when there were others.
traced() {
	traced_count=$(trace_count "$2") || return
	[ "$traced_count" != "$1" ] || return 0
	echo "$traced_count and not $1 events '$2':"
	ctl trace lines "$2"
	return 1
}

# --- modules ---------------------------------------------------------------------------------

# Where the project's modules are, each with a list of those that it needs, NAME.order, in the order of insertion.
MODULES=${MODULES:-/ironpath/modules}

# insert_needed NAME: what a module needs, as far as it is not there.
insert_needed() {
	insert_name=$1
	while IFS= read -r needed; do
		[ "$needed" = "$insert_name" ] || [ -d "/sys/module/$needed" ] || insmod "$MODULES/$needed.ko" || return
	done <"$MODULES/$insert_name.order"
}

# insert NAME [PARAMETER=VALUE...]: a module, after what it needs.
insert() {
	insert_needed "$1" || return
	insert_name=$1
	shift
	insmod "$MODULES/$insert_name.ko" "$@"
}

# remove NAME: a module, if it is there, and what it needed, unless another module uses that.
remove() {
	for needed in $(tac "$MODULES/$1.order"); do
		[ -d "/sys/module/$needed" ] || continue
		[ "$needed" = "$1" ] || [ -z "$(ls "/sys/module/$needed/holders")" ] || continue
		rmmod "$needed" || return
	done
}

# load_modules [PARAMETER=VALUE...]: the driver and the crates that it uses, or a stock driver by DRIVER.
load_modules() {
	if [ -e "$MODULES/$DRIVER.ko" ]; then
		insert "$DRIVER" "$@" || return
	else
		modprobe "$DRIVER" "$@" || return
	fi
	settle
}

# unload_modules: the other way round.
unload_modules() {
	if [ -e "$MODULES/$DRIVER.ko" ]; then
		remove "$DRIVER"
	elif [ -d "/sys/module/$DRIVER" ]; then
		rmmod "$DRIVER"
	fi
}

# settle: until the probing of what was loaded has come to its end (scans and sd run behind it).
settle() {
	# Loading any module waits for all asynchronous work before it; this one is always there.
	modprobe -q crc_ccitt 2>/dev/null || :
	wait_for 60 settled
}

settled() {
	for disk in $(disks); do
		[ -b "/dev/$disk" ] && [ -e "/sys/block/$disk/queue" ] || return 1
	done
}

# --- waiting and looking ---------------------------------------------------------------------

# uptime_ms: milliseconds since boot; by what any shell has.
uptime_ms() {
	IFS=' .' read -r uptime_s uptime_part _ </proc/uptime
	# Two digits, of which the first may be 0: no octal number.
	echo $((uptime_s * 1000 + (1$uptime_part - 100) * 10))
}

# wait_for SECONDS COMMAND...: polls until the command succeeds; fails when the time is over.
wait_for() {
	wait_end=$(($(uptime_ms) + $1 * 1000))
	shift
	until "$@"; do
		[ "$(uptime_ms)" -lt "$wait_end" ] || return 1
		sleep 0.1
	done
}

# io_count DISK: how many reads and writes it has done. has_moved DISK COUNT: it has done more since.
# What is outstanding is no measure: an emulated disk has often answered before anybody can look.
io_count() { awk '{ print $1 + $5 }' "/sys/block/$1/stat"; }
has_moved() { [ "$(io_count "$1")" -gt "$2" ]; }

# hosts_of PROC_NAME: the SCSI hosts (host0, ...) of a driver.
hosts_of() {
	for host in /sys/class/scsi_host/host*; do
		[ -r "$host/proc_name" ] || continue
		[ "$(cat "$host/proc_name")" != "$1" ] || basename "$host"
	done
}

# disks_of PROC_NAME: the block devices (sda, ...) behind a driver's hosts, by host and target.
disks_of() {
	for host in $(hosts_of "$1"); do
		for block in /sys/class/scsi_device/"${host#host}":*/device/block/*; do
			[ ! -d "$block" ] || basename "$block"
		done
	done
}

# hosts, disks: those of DRIVER.
hosts() { hosts_of "$DRIVER"; }
disks() { disks_of "$DRIVER"; }

# disk_count N: there are as many disks behind DRIVER's hosts.
disk_count() {
	# shellcheck disable=SC2046 # words
	set -- "$1" $(disks)
	[ $(($# - 1)) = "$1" ]
}

# disk_by_serial SERIAL: the block device with this serial number (topologies: IRON0000, IRON0001).
disk_by_serial() {
	for disk in $(disks); do
		case $(tr -d '\0' <"/sys/block/$disk/device/vpd_pg80") in
		*"$1") echo "$disk" ;;
		esac
	done
}

# kmsg_mark: later kmsg_since prints the kernel log from here on.
kmsg_mark() {
	kmsg_marker="ironpath-mark $(date +%s%N)"
	echo "$kmsg_marker" >/dev/kmsg
}

# kmsg_since, kmsg_all: the kernel log since the mark, or since boot. Where the mark, or the boot's first line,
# has left the kernel's buffer, the run fails, whatever the caller makes of what is left.
kmsg_since() { kmsg_after "$kmsg_marker"; }
kmsg_all() { kmsg_after "Linux version "; }
kmsg_after() {
	kmsg_status=0
	dmesg | awk -v mark="$1" 'found; !found && index($0, mark) { found = 1 } END { if (!found) exit 3 }' ||
		kmsg_status=$?
	# Any other status is that of a reader who has seen enough.
	[ "$kmsg_status" != 3 ] || bail_out "the kernel log has lost '$1'"
}

# kmsg_has REGEX: the kernel log has such a line since the mark.
kmsg_has() { kmsg_since | grep -Eq -- "$1"; }

# --- multipath -------------------------------------------------------------------------------

# The target that is tested: rmpath, or dm_multipath if the run says so.
TARGET=${TARGET:-rmpath}

# load_paths: the drivers of the controllers of topology mpath: DRIVER and the stock virtio_scsi.
load_paths() {
	[ -d "/sys/module/$DRIVER" ] || ! grep -qx 0x1000 /sys/bus/pci/devices/*/vendor || load_modules || return
	modprobe virtio_scsi || return
	settle
}

# load_target [PARAMETER=VALUE...]: the multipath target, with the stock one's selectors.
load_target() {
	case $TARGET in
	rmpath) insert rmpath "$@" ;;
	*)
		modprobe "$TARGET" "$@" && modprobe dm_round_robin && modprobe dm_queue_length &&
			modprobe dm_service_time
		;;
	esac
}

unload_target() {
	case $TARGET in
	rmpath) remove rmpath ;;
	*) rmmod dm_service_time dm_queue_length dm_round_robin dm_multipath ;;
	esac
}

# paths_to SERIAL: all disks (sda, ...) with this serial number, over whatever controller.
paths_to() {
	for disk in /sys/block/sd*; do
		[ -r "$disk/device/vpd_pg80" ] || continue
		case $(tr -d '\0' <"$disk/device/vpd_pg80") in
		*"$1") basename "$disk" ;;
		esac
	done
}

# path_count SERIAL N: there are so many.
path_count() {
	# shellcheck disable=SC2046 # words
	set -- "$2" $(paths_to "$1")
	[ $(($# - 1)) = "$1" ]
}

# number_of DISK: its major:minor.
number_of() { cat "/sys/block/$1/dev"; }

# find_paths N: waits for N paths to IRON0000, two or three; sets disk1, disk2, disk3 to them (sda, ...), and
# first, second, third to their major:minor.
find_paths() {
	wait_for 20 path_count IRON0000 "$1" || die "no paths"
	settle
	# shellcheck disable=SC2046 # words
	set -- $(paths_to IRON0000) "" ""
	# shellcheck disable=SC2034 # for the scripts
	disk1=$1 disk2=$2 disk3=$3
	# shellcheck disable=SC2034 # for the scripts
	first=$(number_of "$1") second=$(number_of "$2") third=${3:+$(number_of "$3")}
}

# map_create NAME TABLE: a mapped device; its node is /dev/mapper/NAME.
map_create() { dmsetup create --noudevsync "$1" --table "$2" && dmsetup mknodes "$1" && [ -b "/dev/mapper/$1" ]; }

# map_remove NAME
map_remove() { dmsetup remove --noudevsync "$1" && rm -f "/dev/mapper/$1"; }

# map_reload NAME TABLE: another table, whatever goes on.
map_reload() {
	dmsetup suspend --noudevsync "$1" && dmsetup load "$1" --table "$2" && dmsetup resume --noudevsync "$1"
}

# map_message NAME WORD...
map_message() {
	map_name=$1
	shift
	dmsetup message "$map_name" 0 "$@"
}

# map_info NAME, map_table NAME: status without the start, length and name of the target.
map_info() { dmsetup status "$1" | sed 's/^[0-9]* [0-9]* multipath //'; }
map_table() { dmsetup table "$1" | sed 's/^[0-9]* [0-9]* multipath //'; }

# failed_paths NAME N: so many paths of the map have failed.
failed_paths() { [ "$(map_info "$1" | grep -o ' F ' | wc -l)" = "$2" ]; }

# path_failed NAME NUMBER, path_active NAME NUMBER: of a path (major:minor) in the map.
path_failed() { map_info "$1" | grep -q " $2 F "; }
path_active() { map_info "$1" | grep -q " $2 A "; }

# ended PID: this child has.
ended() { ! kill -0 "$1" 2>/dev/null; }

# offline DISK, running DISK: the device's state.
offline() { echo offline >"/sys/block/$1/device/state"; }
running() { echo running >"/sys/block/$1/device/state"; }

# verify_start DEVICE SIZE [OPTION...]: random writes and reads of known contents, until verify_stop; options of
# verify.py: --block BYTES, --depth N, --rate N. Several devices at a time: the others name theirs.
verify_start() {
	verify_device=$1
	verify_size=$2
	shift 2
	rm -f "$(verify_file state)"
	python3 -B /ironpath/verify.py run "$verify_device" "$verify_size" "$(verify_file state)" "$@" \
		>"$(verify_file out)" 2>&1 &
	echo $! >"$(verify_file pid)"
}
verify_file() { echo "/tmp/verify-$(echo "$verify_device" | tr / -).$1"; }

# moves DM: I/O of /dev/mapper/DM has ended since it was called.
moves() {
	moves_stat=/sys/block/dm-$(dmsetup info -c --noheadings -o minor "$1")/stat
	moves_from=$(ios_of "$moves_stat")
	wait_for 30 moved_from "$((moves_from + 20))"
}
ios_of() { awk '{ print $1 + $5 }' "$1"; }
moved_from() { [ "$(ios_of "$moves_stat")" -gt "$1" ]; }

# verify_runs [DEVICE], verify_ended [DEVICE]: of what was started last, or on this device.
verify_runs() {
	verify_device=${1:-$verify_device}
	kill -0 "$(cat "$(verify_file pid)")" 2>/dev/null
}
verify_ended() { ! verify_runs "$@"; }

# goes_on NAME: verified I/O runs, and some has ended on this map since.
goes_on() { verify_runs && moves "$1"; }

# verify_stop [DEVICE]: whether it ends without an error, and then everything on the device is what was written
# last: all of it is read back.
verify_stop() {
	verify_device=${1:-$verify_device}
	verify_pid=$(cat "$(verify_file pid)")
	kill -INT "$verify_pid"
	if ! wait_for 30 verify_ended; then
		echo w >/proc/sysrq-trigger
		dmsetup status
		grep . /sys/block/*/inflight
		return 1
	fi
	verify_status=0
	wait "$verify_pid" || verify_status=$?
	cat "$(verify_file out)"
	[ "$verify_status" = 0 ] && verify_compare "$verify_device"
}

# verify_compare DEVICE: the same again, by whatever way DEVICE leads there.
verify_compare() { python3 -B /ironpath/verify.py check "$1" "$(verify_file state)"; }

# random N: sets `chance` to a number from 0 to N-1. SEED is where it begins: the same one, the same numbers.
SEED=${SEED:-$(date +%s)}
chance_state=$SEED
random() {
	chance_state=$(((chance_state * 1103515245 + 12345) % 2147483648))
	# shellcheck disable=SC2034 # for the caller
	chance=$((chance_state / 65536 % $1))
}

# there_and_back N WORDS: the words for the Nth of several rounds, every second time in the other order.
there_and_back() {
	# shellcheck disable=SC2086 # words
	if [ $(($1 % 2)) = 1 ]; then printf '%s\n' $2; else printf '%s\n' $2 | tac; fi
}

# start_udev: udevd, with all that is there already.
start_udev() {
	/usr/lib/systemd/systemd-udevd --daemon 2>/tmp/udevd.log
	udevadm trigger --action=add
	udevadm settle --timeout=60
}

# start_multipathd LINE...: multipathd with these lines in the section `defaults` of its configuration.
start_multipathd() {
	{
		echo "defaults {"
		printf '\t%s\n' "polling_interval 1" "max_polling_interval 2" "verbosity 2" "$@"
		echo "}"
	} >/etc/multipath.conf
	multipathd -d -s >/tmp/multipathd.log 2>&1 &
	wait_for 60 multipathd show daemon >/dev/null
}
