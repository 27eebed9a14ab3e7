# SPDX-License-Identifier: GPL-2.0
# What `make run` shows last: the distribution's multipathd makes a map over megasas and virtio-scsi paths
# with rmpath, a path is pulled under verified I/O and returns.
# topology: mpath
# timeout: 240
# modules: dm_multipath
# allow-log: I/O error, dev sd|Buffer I/O error on dev sd | a path is made to fail
# allow-log: rejecting I/O to offline device | a path is set offline under I/O
# tests: 7
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
set -eu
plan 7

WWID=35000c50000000100

has_map() { multipathd show maps raw format "%w" | grep -qx "$WWID"; }
paths_in() { [ "$(multipathd show paths format "%m %t %T" | grep -c "$WWID *$1")" = "$2" ]; }
step() { say "" && say "== $*"; }
show() { while IFS= read -r line; do say "   $line"; done; }
point() {
	before=$ktap_failed
	check "$@"
	if [ "$ktap_failed" = "$before" ]; then say "   ok: $1"; else say "   FAILED: $1"; fi
}
node() { echo "dm-$(dmsetup info -c --noheadings -o minor "$WWID")"; }
goes_on() {
	count=$(io_count "$(node)")
	verify_runs && wait_for 30 has_moved "$(node)" "$((count + 20))"
}
# uevents: what the kernel has told of paths since the last call.
: >/tmp/told
uevents() {
	grep -E '^(DM_ACTION|DM_PATH|DM_NR_VALID_PATHS)=' /tmp/uevents | paste -s -d '  \n' >/tmp/now
	tail -n +"$(($(wc -l </tmp/told) + 1))" /tmp/now
	cp /tmp/now /tmp/told
}
told() { grep -q "DM_ACTION=$1" /tmp/uevents; }

step "paths to one disk over rmegasas and the stock virtio_scsi; rmpath takes dm-multipath's place"
load_paths
wait_for 20 path_count IRON0000 3 || die "no paths"
load_target || die "no target"
start_udev
start_multipathd "find_multipaths yes" "no_path_retry queue" || die "multipathd does not answer"
wait_for 60 has_map || die "multipathd makes no map"
point "multipathd has made a map of three good paths" wait_for 30 paths_in "active ready" 3
multipath -ll | show

step "verified I/O on the map; the path over the MegaRAID controller is pulled"
udevadm monitor --kernel --property --subsystem-match=block >/tmp/uevents &
verify_start "/dev/mapper/$WWID" 16m
point "data move" goes_on
for path in $(paths_to IRON0000); do
	case $(cat "/sys/class/scsi_host/host$(basename "$(readlink -f "/sys/block/$path/device")" | cut -d: -f1)/proc_name") in
	rmegasas) pulled=$path ;;
	esac
done
echo offline >"/sys/block/$pulled/device/state"
point "the kernel tells that the path failed" wait_for 60 told PATH_FAILED
uevents | show
point "I/O goes on over the other paths" goes_on

step "the path returns"
echo running >"/sys/block/$pulled/device/state"
point "multipathd reinstates it" wait_for 60 told PATH_REINSTATED
uevents | show
point "I/O goes on" goes_on
multipath -ll | show
point "every block came back as it was written" verify_stop
finish
