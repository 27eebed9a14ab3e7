# SPDX-License-Identifier: GPL-2.0
"""Reads the header comments of a guest script.

# topology: NAME[,option=value...]  what to boot; repeated: once for each
# timeout: SECONDS                  from the script's start to its end (120)
# tests: N                          how many points the script reports
# modules: NAME...                  more stock modules for modprobe in the guest
# append: WORD...                   more words for the kernel's command line
# allow-log: REGEX | REASON         kernel log lines that may look like a failure here
# crash: REGEX                      the script ends by crashing the kernel with this line in the
#                                   log; the capture kernel goes on (tests/guest/kdump/lib.sh)
# capture: NAME...                  more of the project's drivers in the capture kernel's archive
# outside: FILE                     after power-off, tests/outside/FILE checks what the disks hold
# when: named                       not part of a run of everything, only of one that names it
# expect: REGEX                     (tests/selftest only) a problem that must be found; repeated:
#                                   each of them
"""

import re

DEFAULT_TIMEOUT = 120


class ScriptError(Exception):
    """A header that cannot be used."""


class Script:
    """A guest script and what its header declares."""

    def __init__(self, path):
        self.path = path
        self.topologies = []
        self.timeout = DEFAULT_TIMEOUT
        self.tests = None
        self.modules = []
        self.append = []
        self.allow = []
        self.named = False
        self.crash = None
        self.capture = []
        self.outside = None
        self.expect = []
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                if not line.startswith("#"):
                    break
                match = re.match(r"# ([a-z-]+): (.+)$", line.strip())
                if match:
                    self._header(match[1], match[2].strip())

    def _header(self, key, value):
        if key == "topology":
            self.topologies.append(value)
        elif key == "timeout":
            self.timeout = int(value)
        elif key == "tests":
            self.tests = int(value)
        elif key == "modules":
            self.modules += value.split()
        elif key == "append":
            self.append += value.split()
        elif key == "allow-log":
            pattern, bar, reason = value.rpartition(" | ")
            if not bar or not reason.strip():
                raise ScriptError(f"{self.path}: allow-log needs ' | ' and a reason")
            self.allow.append(re.compile(pattern.strip()))
        elif key == "when":
            if value != "named":
                raise ScriptError(f"{self.path}: 'when' can only be 'named'")
            self.named = True
        elif key == "crash":
            self.crash = re.compile(value)
        elif key == "capture":
            self.capture += value.split()
        elif key == "outside":
            self.outside = value
        elif key == "expect":
            self.expect.append(value)
