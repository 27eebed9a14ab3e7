# SPDX-License-Identifier: GPL-2.0
"""Checks the order in which drivers brought their controllers to rest as the machine was switched off.

QEMU's trace events tell (qemu/outside.py says what is read). Controllers are shut down one after the other,
each after its disks: for each one the events of its own must stand in this order.
"""

import json
import re
import sys

# Controllers of the topology.
CONTROLLERS = 2
MASKED = "megasas_mmio_writel reg MFI_OMSK: 0xffffffff"
# SYNCHRONIZE CACHE, of 10 and of 16 bytes.
SYNCHRONIZE = re.compile(r"scsi_req_parsed target \d+ lun \d+ tag \d+ command (?:53|145) ")
FIRMWARE = re.compile(r"megasas_dcmd_enter scmd \d+: DCMD (\w+) ")
DOORBELL = "megasas_mmio_writel reg MFI_IQP: "


def steps(path):
    """What matters, by name, in the order in which it came."""
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            command = FIRMWARE.match(line)
            if command:
                yield command[1]
            elif SYNCHRONIZE.match(line):
                yield "SYNCHRONIZE CACHE"
            elif line.startswith(MASKED):
                yield "interrupts off"
            elif line.startswith(DOORBELL):
                yield "doorbell"


def point(name, good, reason):
    """One point for the runner."""
    print(f"ok {name}" if good else f"not ok {name} # {reason}")


def main():
    """Reads the facts, prints the points."""
    seen = list(steps(json.load(sys.stdin)["events"]))
    print("\n".join(seen))
    named = [step for step in seen if step != "doorbell"]
    disks = [step for step in named if step == "SYNCHRONIZE CACHE"]
    firmware = [step for step in named if step != "SYNCHRONIZE CACHE"]
    each = ["CTRL_CACHE_FLUSH", "CTRL_SHUTDOWN", "interrupts off"]
    point("outside: each disk's cache is flushed, once", len(disks) == CONTROLLERS, len(disks))
    point("outside: each firmware's cache is flushed, it is shut down, interrupts go off",
          firmware == each * CONTROLLERS, ", ".join(firmware))
    first = named.index("CTRL_CACHE_FLUSH") if "CTRL_CACHE_FLUSH" in named else 0
    point("outside: a disk's cache before the firmware's",
          "SYNCHRONIZE CACHE" in named[:first], ", ".join(named))
    # One frame for each command, none behind the shutdown: the mask is the next that is written.
    stops = [place for place, step in enumerate(seen) if step == "CTRL_SHUTDOWN"]
    after = [(seen[place + 1:] or ["nothing"])[0] for place in stops]
    point("outside: no frame is sent after a shutdown",
          len(stops) == CONTROLLERS and set(after) == {"interrupts off"}, ", ".join(after))
    point("outside: and none once interrupts are off",
          seen[-1:] == ["interrupts off"], ", ".join(seen[-3:]))


if __name__ == "__main__":
    main()
