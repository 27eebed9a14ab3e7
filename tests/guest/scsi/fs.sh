#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A filesystem keeps its files over a remount and over a reload of the modules.
# topology: gen2
# topology: gen1,msix=off,msi=off
# timeout: 180
# tests: 7
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
set -eu
plan 7

TREE=/usr/share/perl
MOUNT=/mnt

sums() { (cd "$1" && find . -type f -print0 | sort -z | xargs -0 sha256sum); }
mount_disk() { mount -t ext4 "/dev/$(disk_by_serial IRON0000)" "$MOUNT"; }
same() {
	sums "$MOUNT/tree" >/tmp/found
	[ -s /tmp/found ] && cmp /tmp/wanted /tmp/found
}

load_modules
wait_for 20 disk_count 2 || die "no disks"
settle
modprobe ext4
sums "$TREE" >/tmp/wanted
check "a filesystem is made" mkfs.ext4 -q -F "/dev/$(disk_by_serial IRON0000)"
check "it is mounted" mount_disk
check "a tree of $(wc -l </tmp/wanted) files is copied" cp -a "$TREE" "$MOUNT/tree"
umount "$MOUNT"
echo 3 >/proc/sys/vm/drop_caches
mount_disk
check "the files are right after a remount" same
if rmmod "$DRIVER" 2>/dev/null; then
	fail "the module cannot go while the filesystem is mounted"
else
	pass "the module cannot go while the filesystem is mounted"
fi
umount "$MOUNT"
wait_for 20 unload_modules || die "the modules cannot be unloaded"
load_modules
wait_for 20 disk_count 2 || die "no disks after a reload"
settle
mount_disk
check "the files are right after a reload of the modules" same
umount "$MOUNT"
check "the filesystem is clean" fsck.ext4 -f -n "/dev/$(disk_by_serial IRON0000)"
finish
