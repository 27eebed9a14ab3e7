# SPDX-License-Identifier: GPL-2.0
"""The log watch: lines that mean failure are seen, ordinary ones are not, and allowed ones are forgiven."""

import io
import os
import re
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../qemu"))
# pylint: disable=wrong-import-position
from watch import Watch  # noqa: E402

# As the kernel and the drivers word them.
BAD = (
    "WARNING: block/blk-mq.c:2403 at blk_mq_run_hw_queue+0x1a2/0x1c0, CPU#0: kworker/0:1H/57",
    "BUG: kernel NULL pointer dereference, address: 0000000000000010",
    "BUG kmalloc-64 (Tainted: G           O       ): Redzone overwritten",
    "kmem_cache_destroy scsi_sense_cache: Slab cache still has objects when called from exit+0x10/0x20",
    "kmemleak: 3 new suspected memory leaks (see /sys/kernel/debug/kmemleak)",
    "insmod: page allocation failure: order:4, mode:0xcc0(GFP_KERNEL), nodemask=(null)",
    "swiotlb buffer is full (sz: 65536 bytes), total 32768 (slots), used 120 (slots)",
    "DMA-API: rmegasas 0000:00:04.0: device driver has pending DMA allocations while released from device [count=1]",
    "I/O error, dev sda, sector 2048 op 0x1:(WRITE) flags 0x8800 phys_seg 1 prio class 2",
    "critical medium error, dev sda, sector 2048 op 0x0:(READ) flags 0x0 phys_seg 1 prio class 2",
    "device offline error, dev sdc, sector 64 op 0x1:(WRITE) flags 0x8800 phys_seg 1 prio class 2",
    "timeout error, dev sdc, sector 64 op 0x1:(WRITE) flags 0x8800 phys_seg 1 prio class 2",
    "Buffer I/O error on dev sda, logical block 256, async page read",
    "Buffer I/O error on dev dm-0, logical block 1, lost async page write",
    "EXT4-fs error (device sda): ext4_find_entry:1641: inode #2: comm ls: reading directory lblock 0",
    "EXT4-fs warning (device sda): htree_dirblock_to_tree:1083: inode #2: lblock 0: comm ls: error -5",
    "EXT4-fs (sda): Remounting filesystem read-only",
    "JBD2: I/O error when updating journal superblock for sda-8.",
    "Aborting journal on device sda-8.",
    "XFS (dm-0): Corruption detected. Unmount and run xfs_repair",
    "XFS (dm-0): log I/O error -5",
    "XFS (dm-0): Filesystem has been shut down due to log error (0x2).",
    "sd 0:2:0:0: rejecting I/O to offline device",
    "sd 0:2:0:0: Device offlined - not ready after error recovery",
    "rmegasas 0000:00:04.0: host reset failed: EIO; the adapter is dead",
    "DMAR: DRHD: handling fault status reg 2",
    "DMAR: [DMA Write NO_PASID] Request device [00:04.0] fault addr 0xfeffe000 [fault reason 0x05] PTE Write access is not set",
    "INFO: task dd:812 blocked for more than 120 seconds.",
    "watchdog: BUG: soft lockup - CPU#1 stuck for 26s! [fio:900]",
    "rcu: INFO: rcu_preempt self-detected stall on CPU",
    "refcount_t: underflow; use-after-free.",
    "irq 11: nobody cared (try booting with the \"irqpoll\" option)",
)
GOOD = (
    "Linux version 7.2.12+deb13-amd64 (debian-kernel@lists.debian.org)",
    "printk: log buffer data + meta data: 1048576 + 3670016 = 4718592 bytes",
    "DMAR: Intel(R) Virtualization Technology for Directed I/O",
    "DMAR: Host address width 39",
    "iommu: Default domain type: Translated",
    "EXT4-fs (vda): mounted filesystem 12345678-9abc-def0-1234-56789abcdef0 ro without journal. Quota mode: none.",
    "XFS (dm-0): Mounting V5 Filesystem 12345678-9abc-def0-1234-56789abcdef0",
    "XFS (dm-0): Ending clean mount",
    "sd 0:2:0:0: [sda] Synchronizing SCSI cache",
    "sd 0:2:0:0: [sda] Write cache: enabled, read cache: enabled, doesn't support DPO or FUA",
    "rmegasas 0000:00:04.0: host reset 1",
    "device-mapper: multipath: 254:0: Failing path 8:0.",
    "ironpath-mark 1764090000000000000",
)
DROPPED = "** 17 printk messages dropped **"


def bad_lines(text, allow=()):
    """What the watch makes of a console."""
    watch = Watch(io.BytesIO(), [re.compile(pattern) for pattern in allow])
    # In pieces, as a console comes.
    data = text.encode()
    for start in range(0, len(data), 7):
        watch.feed(data[start:start + 7])
    watch.close()
    return watch.bad


class LogWatch(unittest.TestCase):
    """One kind of line each."""

    def test_failures_are_seen(self):
        for stamp in ("[   12.345678] ", "[   12.345678][  T812] ", "\x1b[0m[   12.345678] "):
            unseen = set(BAD) - set(bad_lines("".join(f"{stamp}{line}\r\n" for line in BAD)))
            self.assertEqual(unseen, set())

    def test_ordinary_lines_are_not(self):
        self.assertEqual(bad_lines("".join(f"[    0.000000] {line}\r\n" for line in GOOD)), [])

    def test_dropped_lines_are_seen(self):
        text = f"[    1.000000] a line\r\n{DROPPED}\r\n[    1.500000] another\r\n"
        self.assertEqual(bad_lines(text), [DROPPED])

    def test_what_a_script_prints_is_not_the_kernels(self):
        self.assertEqual(bad_lines("".join(f"{line}\r\n" for line in BAD)), [])

    def test_what_is_allowed_is_forgiven_and_nothing_else(self):
        text = "".join(f"[   12.345678] {line}\r\n" for line in BAD)
        allowed = r"^I/O error, dev sda, sector 2048 "
        self.assertEqual(bad_lines(text, [allowed]),
                         [line for line in BAD if not re.search(allowed, line)])


if __name__ == "__main__":
    unittest.main()
