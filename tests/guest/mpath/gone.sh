#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Devices below a map go, under verified I/O: deleted, unplugged, their driver unbound, the whole controller
# unplugged. I/O goes on over what is left, and over what comes back once it is in the table.
# topology: mpath
# timeout: 900
# modules: dm_multipath dm_round_robin dm_queue_length dm_service_time
# allow-log: (I/O|device offline) error, dev sd|Buffer I/O error on dev sd | devices are taken away under I/O
# allow-log: rejecting I/O to (offline|dead) device | devices are taken away under I/O
# tests: 71
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
set -eu
plan 71
require_cmd python3

SECTORS=1048576

device_of() { readlink -f "/sys/block/$1/device"; }
host_of() { device_of "$1" | sed 's|.*/\(host[0-9]*\)/.*|\1|'; }
function_of() { device_of "$1" | grep -o '[0-9a-f:]*\.[0-7]/' | tail -n 1 | tr -d /; }
# over PROC_NAME: the path (sda, ...) that leads to target 0 over this driver.
over() {
	for disk in $(paths_to IRON0000); do
		case $(device_of "$disk") in
		*:0:0) [ "$(cat "/sys/class/scsi_host/$(host_of "$disk")/proc_name")" != "$1" ] || echo "$disk" ;;
		esac
	done
}
is_back() { over "$1" | grep -q .; }
is_gone() { [ ! -e "/sys/block/$1" ]; }
unused() { [ "$(cat "/sys/module/$1/refcnt")" = 0 ]; }
bind() { echo "$2" >"/sys/bus/pci/drivers/$DRIVER/$1"; }
rescan() { echo "- - -" >"/sys/class/scsi_host/$1/scan"; }
in_use() { ! rmmod "$1" 2>/tmp/answer && grep -q "in use" /tmp/answer; }

# plug DISK HBA: the disk again, as the topology has it.
plug() {
	ctl qmp '{"execute": "device_add", "arguments": {"driver": "scsi-hd", "id": "'"$1"'", "bus": "'"$2"'.0",' \
		'"scsi-id": 0, "drive": "d0", "serial": "IRON0000", "wwn": 5764824126824907008, "share-rw": true,' \
		'"rerror": "report", "werror": "report"}}'
}

# plug_controller HBA DEVICE
plug_controller() {
	case $IRONPATH_TOPOLOGY in
	*q35*) port=', "bus": "'"$1"'-port"' ;;
	*) port="" ;;
	esac
	ctl qmp '{"execute": "device_add", "arguments": {"driver": "'"$2"'", "id": "'"$1"'"'"$port"'}}'
}

table() {
	paths=""
	for disk; do
		paths="$paths $(number_of "$disk") 1"
	done
	echo "0 $SECTORS multipath 2 queue_mode $mode 0 1 1 round-robin 0 $# 1$paths"
}

# goes WHAT NUMBER: of the path that was lost.
goes() {
	check "$mode: $1: its path fails" wait_for 60 path_failed m "$2"
	check "$mode: $1: I/O goes on" goes_on m
}

# returns WHAT PROC_NAME: a table with what is there now.
returns() {
	wait_for 60 is_back "$2" || die "no disk of $2"
	settle
	own=$(over "$DRIVER")
	other=$(over virtio_scsi)
	map_reload m "$(table "$own" "$other")" || die "no table with what came back"
	back=$(over "$2")
	check "$mode: $1: back in the table it is used" wait_for 30 has_moved "$back" "$(io_count "$back")"
}

# deleted DISK PROC_NAME
deleted() {
	host=$(host_of "$1")
	number=$(number_of "$1")
	echo 1 >"/sys/block/$1/device/delete"
	check "$mode: a disk of $2 is deleted" is_gone "$1"
	goes "$2 disk, deleted" "$number"
	rescan "$host"
	returns "$2 disk, deleted" "$2"
}

# unbound: the driver lets the controller go; what the map holds of it keeps the module.
unbound() {
	number=$(number_of "$own")
	function=$(function_of "$own")
	check "$mode: $DRIVER is unbound" bind unbind "$function"
	goes "$DRIVER, unbound" "$number"
	check "$mode: $DRIVER, unbound: it is in use and stays" in_use "$DRIVER"
	bind bind "$function"
	returns "$DRIVER, unbound" "$DRIVER"
}

# unplugged_own: MegaRAID firmware raises no event that the driver sees: the disk is there, and fails.
unplugged_own() {
	number=$(number_of "$own")
	ctl device_del disk0
	check "$mode: disk0 is unplugged" ctl wait_deleted disk0 30
	goes disk0 "$number"
	plug disk0 hba0
	map_message m reinstate_path "$number"
	check "$mode: disk0: reinstated it is used" wait_for 30 has_moved "$own" "$(io_count "$own")"
}

unplugged_other() {
	number=$(number_of "$other")
	ctl device_del disk1
	check "$mode: disk1 is unplugged" ctl wait_deleted disk1 30
	goes disk1 "$number"
	wait_for 30 is_gone "$other" || die "$other does not go"
	plug disk1 hba1
	returns disk1 virtio_scsi
}

# unplugged HBA DEVICE DISK PATH PROC_NAME
unplugged() {
	number=$(number_of "$4")
	function=$(function_of "$4")
	ctl device_del "$1"
	check "$mode: $1 is unplugged" ctl wait_deleted "$1" 60
	goes "$1" "$number"
	wait_for 30 is_gone "$4" || die "$4 does not go"
	# rmegasas finds the drives that are there when it is bound: the disk comes first.
	echo 0 >/sys/bus/pci/drivers_autoprobe
	plug_controller "$1" "$2"
	plug "$3" "$1"
	wait_for 60 [ -d "/sys/bus/pci/devices/$function" ] || die "$1 does not come back"
	echo 1 >/sys/bus/pci/drivers_autoprobe
	echo "$function" >/sys/bus/pci/drivers_probe
	returns "$1" "$5"
}

cycle() {
	mode=$1
	own=$(over "$DRIVER")
	other=$(over virtio_scsi)
	map_create m "$(table "$own" "$other")"
	# Not all that the processors can do: the scripts and the kernel's threads have their part.
	verify_start /dev/mapper/m 32m --rate 400
	moves m || die "no I/O"
	check "$mode: $DRIVER is in use and stays" in_use "$DRIVER"
	check "$mode: virtio_scsi is in use and stays" in_use virtio_scsi
	check "$mode: the target is in use and stays" in_use "$TARGET"
	deleted "$own" "$DRIVER"
	unplugged_own
	unplugged_other
	unplugged hba0 megasas-gen2 disk0 "$own" "$DRIVER"
	deleted "$other" virtio_scsi
	unbound
	unplugged hba1 virtio-scsi-pci disk1 "$other" virtio_scsi
	check "$mode: all of it is verified" verify_stop
	check "$mode: the map goes" wait_for 20 map_remove m
	check "$mode: and holds no driver" wait_for 20 eval "unused $DRIVER && unused virtio_scsi"
}

load_paths
wait_for 20 path_count IRON0000 3 || die "no paths"
settle
load_target || die "no target"
cycle rq
cycle bio
check "target and drivers can be unloaded" eval "unload_target && rmmod $DRIVER && rmmod virtio_scsi"
finish
