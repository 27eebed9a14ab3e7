# SPDX-License-Identifier: GPL-2.0
"""Finds kernel log lines that mean failure, whatever the script in the guest says."""

import re
import time

# Kernel lines carry a timestamp (with printk.caller also a task), the script's own lines do not.
KERNEL_LINE = re.compile(r"\[\s*\d+\.\d{6}\](?:\[\s*[TC]\d+\])? (.*)")

BAD = re.compile("|".join((
    r"WARNING: ",
    # Of the slab allocator without a colon: "BUG kmalloc-64 (Tainted: G): Redzone overwritten".
    r"\bBUG\b",
    r"UBSAN: ",
    r"\bOops\b",
    r"list_(?:add|del) corruption",
    r"possible circular locking",
    r"possible recursive locking",
    r"inconsistent lock state",
    r"suspicious RCU",
    r"general protection fault",
    r"Kernel panic",
    r"blocked for more than \d+ seconds",
    r"soft lockup",
    r"hard LOCKUP",
    r"rcu_?.*detected (?:expedited )?stalls",
    r"rcu: INFO: .*stall",
    r"refcount_t: ",
    r"Call Trace:",
    r"rust_kernel: panicked|rust panic",
    r"scheduling while atomic",
    r"Out of memory: Killed",
    r"irq \d+: nobody cared",
    r"kmem_cache_destroy .*: Slab cache still has objects",
    r"kmemleak: \d+ new suspected",
    r"page allocation failure",
    r"swiotlb buffer is full",
    r"DMA-API: ",
    # An I/O that failed, at each layer that tells of it.
    r" error, dev \S+, sector \d+",
    r"I/O error",
    r"lost (?:async|sync) page write",
    r"EXT4-fs (?:error|warning)",
    r"Aborting journal|Remounting filesystem read-only",
    r"XFS .*(?:[Cc]orruption|[Ss]hut(?:ting)? ?down|error)",
    r"rejecting I/O to (?:offline|dead) device",
    r"Device offlined",
    r"the adapter is dead",
    # What a device was not allowed to touch.
    r"DMAR: .*\bfault\b|IO_PAGE_FAULT",
)))

# The console says this without a timestamp: lines of the log that were never seen here.
DROPPED = re.compile(r"\*\* \d+ printk messages dropped \*\*")

# What a panic prints besides its own line, and the first line of the capture kernel after it.
PANIC_TRACE = re.compile(r"Call Trace:")
BOOT = re.compile(r"Linux version ")

ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[A-Za-z]|c)")


class Watch:
    """Takes the console as bytes, keeps the log file and the bad lines.

    The line of a planned crash (`crash`) is no failure, nor is the trace below it, once: from the
    capture kernel's first line on everything counts again. What the capture kernel's script has to
    tell (`TELL text` in its log: the control port may be without an interrupt) goes to `told`.
    """

    TELL = "ironpath: "

    def __init__(self, log, allow=(), crash=None, told=lambda text: None):
        self.log = log
        self.allow = list(allow)
        self.crash = crash
        self.told = told
        # When the planned crash was seen, and when the kernel after it.
        self.crashed = None
        self.captured = None
        self.bad = []
        self._partial = b""

    def feed(self, data):
        """More of the console; the whole lines in it are judged."""
        self.log.write(data)
        self.log.flush()
        lines = (self._partial + data).split(b"\n")
        self._partial = lines.pop()
        for line in lines:
            self._judge(line)

    def close(self):
        """The console has ended: the last line may lack its end."""
        self._judge(self._partial)
        self._partial = b""

    def _judge(self, raw):
        line = ESCAPES.sub("", raw.decode("utf-8", "replace")).rstrip("\r")
        match = KERNEL_LINE.search(line)
        if match and self.captured and match[1].startswith(self.TELL):
            self.told(match[1].removeprefix(self.TELL))
            return
        if match and self.crash and self._planned(match[1]):
            return
        text = match[1] if match else line
        if ((match and BAD.search(text) or DROPPED.search(text))
                and not any(ok.search(text) for ok in self.allow)):
            self.bad.append(text)

    def _planned(self, text):
        if self.crashed is None:
            if self.crash.search(text):
                self.crashed = time.monotonic()
                return True
        elif self.captured is None:
            if BOOT.match(text):
                self.captured = time.monotonic()
            return bool(PANIC_TRACE.search(text))
        return False
