# SPDX-License-Identifier: GPL-2.0
"""Counts QEMU's trace events: what a device did, as its emulation reports it."""

import os
import re

# The file has the events that are switched on only, but these may be one or more per I/O.
TAKEN_AT_ONCE = 1 << 20


class Trace:
    """The events that QEMU writes into a file (`qemu -D FILE`, the `log` trace backend).

    No event is recorded before a script asks for it. QEMU writes a line for each and flushes it
    before the device goes on: what the guest has seen the effect of is in the file.
    """

    def __init__(self, qmp, path):
        self.qmp = qmp
        self.path = path
        # From where on `lines` counts, in bytes.
        self._mark = 0

    def start(self, patterns):
        """Records the events with these names, which may hold `*`; counts from here on."""
        self._switch(patterns, True)
        self.mark()

    def stop(self, patterns):
        """Records these no more; what was recorded stays."""
        self._switch(patterns, False)

    def _switch(self, patterns, enable):
        for pattern in patterns:
            self.qmp.execute({"execute": "trace-event-set-state",
                              "arguments": {"name": pattern, "enable": enable}})

    def mark(self):
        """Counts from here on."""
        self._mark = os.path.getsize(self.path) if os.path.exists(self.path) else 0

    def lines(self, pattern):
        """The recorded events since the mark, `NAME ARGUMENTS`, that match the regular expression
        from their beginning on."""
        matches = re.compile(pattern).match
        partial = b""
        try:
            file = open(self.path, "rb")
        except FileNotFoundError:
            return
        with file:
            file.seek(self._mark)
            while data := file.read(TAKEN_AT_ONCE):
                *whole, partial = (partial + data).split(b"\n")
                for line in whole:
                    text = line.decode("utf-8", "replace")
                    if matches(text):
                        yield text
