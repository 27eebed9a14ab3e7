# SPDX-License-Identifier: GPL-2.0
"""Finds kernel log lines that mean failure, whatever the script in the guest says."""

import re

# Kernel lines carry a timestamp (with printk.caller also a task), the script's own lines do not.
KERNEL_LINE = re.compile(r"\[\s*\d+\.\d{6}\](?:\[\s*[TC]\d+\])? (.*)")

BAD = re.compile("|".join((
    r"WARNING: ",
    r"BUG: ",
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
    r"kernel BUG at",
    r"Out of memory: Killed",
)))

ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[A-Za-z]|c)")


class Watch:
    """Takes the console as bytes, keeps the log file and the bad lines."""

    def __init__(self, log, allow=()):
        self.log = log
        self.allow = list(allow)
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
        if match and BAD.search(match[1]) and not any(ok.search(match[1]) for ok in self.allow):
            self.bad.append(match[1])
