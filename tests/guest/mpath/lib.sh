# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Functions for the scripts of this group: an LIO target in the guest itself, and what multipathd says.
#
# A script sources lib.sh and this file.

# --- LIO by configfs ---------------------------------------------------------------------------

LIO=/sys/kernel/config/target
LIO_DISK=$LIO/core/rd_mcp_0/rd
# shellcheck disable=SC2034 # for the scripts
LIO_WWID=360014050000000000000000000000000

# lio_disk PAGES: a disk in memory, with the serial number that makes LIO_WWID of it.
lio_disk() {
	modprobe scsi_dh_alua
	modprobe target_core_mod
	mountpoint -q /sys/kernel/config || mount -t configfs configfs /sys/kernel/config
	# Where it keeps registrations that shall outlive a loss of power, as all are that the kernel makes.
	mkdir -p "$LIO_DISK" /var/target/pr
	echo "rd_pages=$1" >"$LIO_DISK/control"
	echo "IRON0000" >"$LIO_DISK/wwn/vpd_unit_serial"
	echo 1 >"$LIO_DISK/enable"
}

# lio_loop NUMBER: a port group of the disk, and a SCSI host whose only disk is behind it.
lio_loop() {
	modprobe tcm_loop
	mkdir "$LIO_DISK/alua/gp$1"
	echo "$1" >"$LIO_DISK/alua/gp$1/tg_pt_gp_id"
	lio_tpg=$LIO/loopback/naa.500140500000000$1/tpgt_1
	mkdir -p "$LIO/loopback"
	mkdir -p "$lio_tpg"
	echo "naa.600140500000000$1" >"$lio_tpg/nexus"
	mkdir -p "$lio_tpg/lun/lun_0"
	ln -s "$LIO_DISK" "$lio_tpg/lun/lun_0/port"
	echo "gp$1" >"$lio_tpg/lun/lun_0/alua_tg_pt_gp"
	wait_for 20 lio_loops "$1" && settle
}
lio_loops() { [ "$(disks_of tcm_loopback | wc -l)" = "$1" ]; }

# lio_iscsi NAME ADDRESS...: an iSCSI target for anybody, with a portal on each of these addresses.
lio_iscsi() {
	modprobe iscsi_target_mod
	mkdir -p "$LIO/iscsi"
	lio_tpg=$LIO/iscsi/$1/tpgt_1
	mkdir -p "$lio_tpg/lun/lun_0"
	ln -s "$LIO_DISK" "$lio_tpg/lun/lun_0/port"
	shift
	for lio_address; do
		mkdir -p "$lio_tpg/np/$lio_address:3260"
	done
	echo 1 >"$lio_tpg/attrib/generate_node_acls"
	echo 0 >"$lio_tpg/attrib/demo_mode_write_protect"
	echo 0 >"$lio_tpg/attrib/authentication"
	echo 1 >"$lio_tpg/enable"
}

# --- two paths of scsi_debug -------------------------------------------------------------------

# Sectors of the disk.
DEBUG_SECTORS=32768

# debug_paths [PARAMETER=VALUE...]: two disks of scsi_debug over one memory, `silent` and `other`.
debug_paths() {
	mountpoint -q /sys/kernel/debug || mount -t debugfs debugfs /sys/kernel/debug
	modprobe scsi_debug add_host=2 dev_size_mb=$((DEBUG_SECTORS / 2048)) "$@" || return
	wait_for 20 debug_disks || return
	settle
	# shellcheck disable=SC2046 # words
	set -- $(disks_of scsi_debug)
	# shellcheck disable=SC2034 # for the scripts
	silent=$1 other=$2
}
debug_disks() { [ "$(disks_of scsi_debug | wc -l)" = 2 ]; }

# no_answer DISK OPCODE...: such commands get none. answers DISK OPCODE...: they do again.
no_answer() { debug_error "0 1000000" "$@"; }
answers() { debug_error "- 0" "$@"; }
# loses DISK OPCODE...: such commands end as with a lost transport. delivers DISK OPCODE...: they arrive again.
loses() {
	loses_disk=$1
	shift
	for loses_opcode; do
		# Its host byte: DID_TRANSPORT_FAILFAST.
		debug_write "$loses_disk" "2 1 $loses_opcode f 0 0 0 0 0" || return
	done
}
delivers() { debug_error "- 2" "$@"; }
debug_write() {
	echo "$2" >"/sys/kernel/debug/scsi_debug/$(basename "$(readlink -f "/sys/block/$1/device")")/error"
}
debug_error() {
	debug_what=$1 debug_disk=$2
	shift 2
	for debug_opcode; do
		debug_write "$debug_disk" "$debug_what $debug_opcode" || return
	done
}
# shellcheck disable=SC2034 # for the scripts
READ10=0x28 WRITE10=0x2a SYNCHRONIZE_CACHE=0x35 UNMAP=0x42 WRITE_SAME10=0x41 WRITE_SAME16=0x93

# --- disks of QEMU -----------------------------------------------------------------------------

# qemu_name DISK: what QEMU calls it (disk0, ...): that whose count of reads grows with a read.
qemu_name() {
	for qemu_disk in disk0 disk1 disk2 disk3; do
		qemu_reads=$(ctl stat $qemu_disk rd_operations) || return
		dd if="/dev/$1" of=/dev/null bs=4k count=1 iflag=direct 2>/dev/null || return
		if [ "$(ctl stat $qemu_disk rd_operations)" != "$qemu_reads" ]; then
			echo $qemu_disk
			return
		fi
	done
	return 1
}

# --- the C selectors that the stock kernel is configured without -------------------------------

# load_selectors, unload_selectors: of the target that is tested; rmpath has them.
load_selectors() {
	[ "$TARGET" = rmpath ] || { insmod /ironpath/modules/dm-historical-service-time.ko &&
		insmod /ironpath/modules/dm-io-affinity.ko; }
}
unload_selectors() { [ "$TARGET" = rmpath ] || rmmod dm_historical_service_time dm_io_affinity; }

# --- multipathd --------------------------------------------------------------------------------

# has_map WWID: multipathd has made it. paths_in WWID STATE N: so many of its paths are in this state.
has_map() { multipathd show maps raw format "%w" | grep -qx "$1"; }
paths_in() { [ "$(multipathd show paths format "%w %t %T" | grep -c "$1 *$2")" = "$3" ]; }
