#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Where the platform refuses a 64-bit DMA mask the driver uses 32-bit scatter lists, and data above 4 GiB come
# and go through a bounce buffer; with the 64-bit mask they do without. Data are right either way.
# topology: gen2,mem=4096
# topology: gen1,mem=4096,msix=off
# timeout: 120
# tests: 11
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
set -eu
plan 11
require_cmd python3

# bounced: how many slots of the bounce buffer were in use at most since it was last asked.
hiwater=/sys/kernel/debug/swiotlb/io_tlb_used_hiwater
bounced() {
	cat $hiwater
	echo 0 >$hiwater
}
# high_io DISK SEED: 64 pages above 4 GiB with contents by SEED are written to the disk, in writes of 64 KiB;
# other pages there read them back. Fails if there is no such page or the contents differ.
high_io() {
	python3 - "/dev/$1" "$2" <<'PYTHON'
import ctypes, hashlib, mmap, os, struct, sys
PAGE, PAGES, AT_ONCE = 4096, 64, 16
disk = os.open(sys.argv[1], os.O_RDWR | os.O_DIRECT)
pagemap = open("/proc/self/pagemap", "rb", 0)

def high():
    """Memory of so many pages, of which each lies above 4 GiB."""
    for _ in range(64):
        memory = mmap.mmap(-1, PAGES * PAGE)
        for page in range(PAGES):
            memory[page * PAGE] = 1
        start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        pagemap.seek(start // PAGE * 8)
        frames = struct.unpack(f"{PAGES}Q", pagemap.read(PAGES * 8))
        if all((frame & (1 << 55) - 1) * PAGE >= 1 << 32 for frame in frames):
            return memory
        kept.append(memory)
    sys.exit("no memory above 4 GiB")

kept = []
out, back = high(), high()
wanted = hashlib.shake_256(sys.argv[2].encode()).digest(PAGES * PAGE)
out[:] = wanted
for at in range(0, PAGES, AT_ONCE):
    part = slice(at * PAGE, (at + AT_ONCE) * PAGE)
    if os.pwritev(disk, [memoryview(out)[part]], 1048576 + at * PAGE) != AT_ONCE * PAGE:
        sys.exit("short write")
for at in range(0, PAGES, AT_ONCE):
    part = slice(at * PAGE, (at + AT_ONCE) * PAGE)
    if os.preadv(disk, [memoryview(back)[part]], 1048576 + at * PAGE) != AT_ONCE * PAGE:
        sys.exit("short read")
sys.exit(bytes(back) != wanted)
PYTHON
}
# stored DISK SEED: the disk has these contents, read into whatever memory.
stored() {
	wanted=$(python3 -c 'import hashlib, sys; print(hashlib.sha256(hashlib.shake_256(sys.argv[1].encode()).digest(262144)).hexdigest())' "$2")
	[ "$(dd if="/dev/$1" bs=64k skip=16 count=4 2>/dev/null | sha256sum | cut -d' ' -f1)" = "$wanted" ]
}
lists() { kmsg_has "scatter list [0-9]+ entries \\($1\\)"; }
found() {
	wait_for 20 disk_count 2 || die "no disks"
	settle
	disk=$(disk_by_serial IRON0001)
}
case $IRONPATH_TOPOLOGY in
*msix=off*) wide=Sge64 ;;
*) wide=Ieee ;;
esac

[ -e $hiwater ] || die "no bounce buffer's statistics"
# The first call is for 32 bits, the second for 64.
insmod /ironpath/modules/failcall.ko function=dma_set_mask value=-5 at=2
kmsg_mark
load_modules
found
check "the driver asked for a 64-bit mask, after a 32-bit one" [ "$(cat /sys/module/failcall/parameters/calls)" = 2 ]
rmmod failcall
check "refused, scatter lists are of 32 bits" lists Sge32
bounced >/dev/null
check "data above 4 GiB come back" high_io "$disk" first
check "they went through the bounce buffer" [ "$(bounced)" -gt 0 ]
check "the disk has them" stored "$disk" first
check "the modules can be unloaded" wait_for 20 unload_modules

kmsg_mark
load_modules
found
check "granted, scatter lists are of 64 bits" lists $wide
check "data that was written with 32-bit lists is there" stored "$disk" first
bounced >/dev/null
check "data above 4 GiB come back" high_io "$disk" second
check "they did not go through the bounce buffer" [ "$(bounced)" = 0 ]
check "the disk has them" stored "$disk" second
finish
