# SPDX-License-Identifier: GPL-2.0
# What `make run` shows: the stock kernel, the modules, verified I/O, a fault and the recovery.
# shellcheck disable=SC2154 # set by lib.sh, which the launcher puts into the guest
# topology: blkdebug
# timeout: 240
# allow-log: critical medium error, dev sd|Buffer I/O error on dev sd | a sector is made unreadable
# tests: 10
. /ironpath/lib.sh
set -eu

BAD_SECTOR=4096
ENODATA=61 # told to the guest as a medium error
FIO_MIB=16

plan 10

step() { say "" && say "== $*"; }
# show: each line of the input, indented.
show() { while IFS= read -r line; do say "   $line"; done; }
# row NAME TEXT: one line of the table at the end.
row() { table="$table$(printf '%-14s %s' "$1" "$2")
"; }
# point NAME COMMAND...: as check, and the user sees how it went.
point() {
	before=$ktap_failed
	check "$@"
	if [ "$ktap_failed" = "$before" ]; then say "   ok: $1"; else say "   FAILED: $1"; fi
}
fails() { ! "$@"; }
checksum() { (cd /mnt && find . -type f -exec sha256sum {} + | sort | sha256sum); }
read_sector() { dd if="/dev/$first" of=/dev/null bs=512 skip="$1" count=1 iflag=direct; }
module_text() {
	printf '%s.ko, %d KiB in memory, sha256 %.12s' "$1" \
		"$(($(cat "/sys/module/$1/coresize") / 1024))" \
		"$(sha256sum "/ironpath/modules/$1.ko")"
}
# count_io: adds what the disks have done since they appeared; a module that goes takes its counters.
ios=0
sectors=0
count_io() {
	for disk in $(disks); do
		read -r reads _ read_sectors _ writes _ write_sectors _ <"/sys/block/$disk/stat"
		ios=$((ios + reads + writes))
		sectors=$((sectors + read_sectors + write_sectors))
	done
}
find_disks() {
	wait_for 20 disk_count 2 || die "the driver found no two disks"
	first=$(disk_by_serial IRON0000)
	second=$(disk_by_serial IRON0001)
}
# The driver's own lines since the mark, without time and device.
driver_log() { kmsg_since | sed -n 's/^\[[^]]*\] //; s/^rmegasas [0-9a-f:.]*: /rmegasas: /p'; }

table=
row "kernel" "$(uname -r) $(uname -v | sed 's/.*\(Debian [^ ]*\).*/\1/'), unmodified"

step "load storage.ko, storage_scsi.ko and rmegasas.ko into $(uname -r)"
kmsg_mark
load_modules
find_disks
driver_log | show
lsblk -d -o NAME,SIZE,VENDOR,MODEL,SERIAL,HCTL "/dev/$first" "/dev/$second" | show
point "both disks are there" disk_count 2
row "modules" "$(module_text storage)"
row "" "$(module_text storage_scsi)"
row "" "$(module_text rmegasas)"
row "controller" "$(driver_log | sed -n 's/.*controller type \(.*\)/\1/p' | head -n 1)"
row "interrupt" "$(driver_log | sed -n 's/.*interrupt \([^,]*\).*/\1/p' | head -n 1)"

step "filesystem on $second: make, write a tree, unmount, mount, compare"
mkfs.ext4 -q "/dev/$second"
mount "/dev/$second" /mnt
cp -r /etc /usr/sbin/mke2fs /mnt/
seq 1 400000 >/mnt/numbers
wanted=$(checksum)
say "   $(find /mnt -type f | wc -l) files, $(du -sm /mnt | cut -f1) MiB"
umount /mnt
mount -o ro "/dev/$second" /mnt
echo 3 >/proc/sys/vm/drop_caches
point "the tree is the same after remounting" [ "$(checksum)" = "$wanted" ]
umount /mnt

step "unload both modules, load them again, compare again"
count_io
unload_modules
load_modules
find_disks
mount -o ro "/dev/$second" /mnt
point "the tree is the same after reloading the modules" [ "$(checksum)" = "$wanted" ]
umount /mnt

step "fio on $first: random writes of 4 to 64 KiB, depth 32, each read back and compared (crc32c)"
fio --name=verify --filename="/dev/$first" --offset=64M --size=${FIO_MIB}M --direct=1 \
	--ioengine=libaio --iodepth=32 --rw=randwrite --bsrange=4k-64k --verify=crc32c \
	--verify_fatal=1 --do_verify=1 --output=/tmp/fio.out --output-format=terse \
	>/tmp/fio.status 2>&1 &
fio=$!
began=$(date +%s)
count_before=$(awk '{ print $1 + $5 }' "/sys/block/$first/stat")
while kill -0 "$fio" 2>/dev/null; do
	sleep 1
	progress=$(awk -v n="$count_before" '{ printf "%d I/Os, %.1f MiB written, %.1f MiB read back",
		$1 + $5 - n, $7 / 2048, $3 / 2048 }' "/sys/block/$first/stat")
	say "progress $(($(date +%s) - began)) s: $progress"
done
status=0
wait "$fio" || status=$?
say "   $progress"
point "every block came back as it was written" [ "$status" = 0 ]

step "fault: sector $BAD_SECTOR of $first becomes unreadable"
# Before the fault the sector is written, so that the recovery has something to compare.
seq 1 200 | head -c 512 >/tmp/sector
dd if=/tmp/sector of="/dev/$first" bs=512 seek=$BAD_SECTOR oflag=direct conv=notrunc
ctl inject disk0 read $BAD_SECTOR $ENODATA
kmsg_mark
point "reading it is an I/O error" fails read_sector $BAD_SECTOR
wait_for 5 kmsg_has "error, dev $first" || :
kmsg_since | sed -n 's/^\[[^]]*\] //; /Sense Key\|Add. Sense\|error, dev/p' | show
point "the kernel was told: medium error, in that sector" \
	kmsg_has "critical medium error, dev $first, sector $BAD_SECTOR "
point "the sector beside it is still good" read_sector $((BAD_SECTOR + 1))
ctl heal disk0
point "once healed, the sector reads, with its contents" sh -c \
	"dd if=/dev/$first bs=512 skip=$BAD_SECTOR count=1 iflag=direct | cmp - /tmp/sector"

step "close"
count_io
unload_modules
point "the modules are unloaded" [ ! -d /sys/module/storage ] # the last of them
# The block layer names each failed request.
errors=$(kmsg_all | grep -c 'error, dev sd')
point "no request failed but the one that had to" [ "$errors" = 1 ]
row "I/Os" "$ios"
row "bytes" "$((sectors * 512)) ($((sectors / 2048)) MiB)"
row "errors" "$errors, injected: 1"
if [ "$ktap_failed" = 0 ] && [ "$ktap_done" = "$ktap_planned" ]; then
	row "verification" "passed: $ktap_done of $ktap_planned"
else
	row "verification" "FAILED: $ktap_failed of $ktap_planned"
fi
say ""
printf '%s' "$table" | while IFS= read -r line; do say "  $line"; done
finish
