# SPDX-License-Identifier: GPL-2.0
"""A QMP client over a connected socket, and the requests that guest scripts may make of it."""

import hashlib
import json
import re
import select
import signal
import time
from collections import deque

# QEMU answers from its main loop; longer than this means that it hangs.
ANSWER_SECONDS = 30


class QmpError(Exception):
    """QEMU refused a command, or does not answer."""


class Qmp:
    """Commands go out one at a time; events are kept.

    Each command has an id: the answer to one that was given up must not be taken for that of the next.
    """

    def __init__(self, sock):
        self.sock = sock
        self.events = []
        self._buffer = b""
        self._last_id = 0
        self._receive(time.monotonic() + ANSWER_SECONDS)
        self.command("qmp_capabilities")

    def _receive(self, deadline):
        """The next message, or nothing when the time is over."""
        while b"\n" not in self._buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.sock], [], [], left)[0]:
                return None
            data = self.sock.recv(65536)
            if not data:
                raise QmpError("QEMU has gone")
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        return json.loads(line)

    def execute(self, message):
        """Sends one QMP message; the value that it returns."""
        self._last_id += 1
        self.sock.sendall(json.dumps({**message, "id": self._last_id}).encode() + b"\n")
        deadline = time.monotonic() + ANSWER_SECONDS
        while True:
            answer = self._receive(deadline)
            if answer is None:
                raise QmpError(f"no answer within {ANSWER_SECONDS} s: {message}")
            if "event" in answer:
                self.events.append(answer)
            elif answer.get("id") != self._last_id:
                # The greeting, or the late answer to a command that was given up. QEMU cannot tell the id
                # of what it could not read: then nothing else answers it.
                if "error" in answer and "id" not in answer:
                    raise QmpError(answer["error"]["desc"])
            elif "error" in answer:
                raise QmpError(answer["error"]["desc"])
            else:
                return answer["return"]

    def command(self, name, **arguments):
        """A QMP command by name; `_` in argument names stands for `-`."""
        return self.execute({"execute": name, "arguments": {
            key.replace("_", "-"): value for key, value in arguments.items()}})

    def hmp(self, line):
        """A command of the human monitor; the text that it prints."""
        return self.command("human-monitor-command", command_line=line)

    def wait_event(self, wanted, seconds):
        """The first event, past or to come, for which `wanted` holds."""
        deadline = time.monotonic() + seconds
        while True:
            for event in self.events:
                if wanted(event):
                    return event
            message = self._receive(deadline)
            if message is None:
                raise QmpError(f"no such event within {seconds} s")
            if "event" in message:
                self.events.append(message)


class Requests:
    """What `ctl` in a guest script can ask for: each method takes the rest of the line."""

    # Which I/O an injected error is for, by the first word of `inject`.
    IO_TYPES = ("read", "write", "flush", "discard", "write-zeroes")

    def __init__(self, qmp, disks, console, trace, process):  # pylint: disable=too-many-arguments
        self.qmp = qmp
        # QEMU itself.
        self.process = process
        # Where QEMU's trace events go.
        self.trace = trace
        # What is typed on the serial console goes here.
        self.console = console
        # The block node below each disk.
        self.disks = disks
        self.rules = {}
        self.filters = 0

    def answer(self, line):
        """(succeeded, text) for one request line."""
        verb, _, rest = line.partition(" ")
        method = getattr(self, "do_" + verb, None)
        if method is None:
            return False, f"unknown request: {verb}"
        try:
            return True, method(rest.strip())
        except (QmpError, ValueError, re.error) as err:
            return False, str(err)

    def do_qmp(self, rest):
        """qmp JSON: any QMP message."""
        value = self.qmp.execute(json.loads(rest))
        return json.dumps(value) if value != {} else ""

    def do_hmp(self, rest):
        """hmp LINE: any line of the human monitor."""
        return self.qmp.hmp(rest).replace("\r", "").strip()

    def do_io(self, rest):
        """io DISK COMMAND: a qemu-io command on a disk; what the monitor prints is an error. What qemu-io itself
        finds wrong goes to QEMU's output, which fails the run, but no request."""
        disk, command = rest.split(None, 1)
        self._node(disk)
        # By the device: by the node QEMU would wait for all requests first, held ones as well.
        text = self.do_hmp(f'qemu-io -d {disk} "{command}"')
        if text:
            raise QmpError(text)
        return ""

    def do_hold(self, rest):
        """hold DISK read|write TAG: the next such request stays in the device until released."""
        disk, kind, tag = rest.split()
        return self.do_io(f"{disk} break {kind}_aio {tag}")

    def do_release(self, rest):
        """release DISK TAG: the held request goes on."""
        disk, tag = rest.split()
        return self.do_io(f"{disk} resume {tag}")

    def do_inject(self, rest):
        """inject DISK TYPE SECTOR|any ERRNO [once]: such requests fail from now on."""
        disk, kind, sector, errno, *once = rest.split()
        if kind not in self.IO_TYPES or once not in ([], ["once"]):
            raise ValueError(f"inject DISK {'|'.join(self.IO_TYPES)} SECTOR|any ERRNO [once]")
        rule = {"event": "none", "iotype": kind, "errno": int(errno), "once": bool(once)}
        if sector != "any":
            rule["sector"] = int(sector)
        node = self._node(disk)
        self.rules.setdefault(node, []).append(rule)
        self._refilter(node)
        return ""

    def do_heal(self, rest):
        """heal DISK: no more injected errors."""
        node = self._node(rest)
        self.rules[node] = []
        self._refilter(node)
        return ""

    def _node(self, disk):
        if disk not in self.disks:
            raise QmpError(f"no disk '{disk}' (there are: {', '.join(self.disks)})")
        return self.disks[disk]

    def _refilter(self, node):
        # The rules of a blkdebug node are fixed when it is made: put a new one below the raw node.
        below = self._file_of(node)
        self.filters += 1
        name = f"{node}-debug{self.filters}"
        # QEMU does not take an empty list of rules.
        rules = {"inject-error": self.rules[node]} if self.rules[node] else {}
        self.qmp.command("blockdev-add", driver="blkdebug", node_name=name, image=node + "-file",
                         discard="unmap", **rules)
        self.qmp.command("blockdev-reopen", options=[
            {"driver": "raw", "node-name": node, "file": name, "discard": "unmap"}])
        if below != node + "-file":
            self.qmp.command("blockdev-del", node_name=below)

    def _file_of(self, node):
        for entry in self.qmp.command("query-named-block-nodes", flat=True):
            if entry["node-name"] == node:
                for child in entry.get("children", []):
                    if child["child"] == "file":
                        return child["node-name"]
        raise QmpError(f"no node '{node}' with a file below it")

    def do_throttle(self, rest):
        """throttle DISK IOPS: no more requests in a second; 0 for no limit."""
        disk, iops = rest.split()
        self.qmp.execute({"execute": "block_set_io_throttle", "arguments": {
            "id": disk, "bps": 0, "bps_rd": 0, "bps_wr": 0,
            "iops": int(iops), "iops_rd": 0, "iops_wr": 0}})
        return ""

    def do_trace(self, rest):
        """trace start|stop EVENT...: names, `*` for any characters; trace mark; trace count|lines|last
        REGEX: of the events since the start or the mark, in their order."""
        verb, _, rest = rest.partition(" ")
        if verb in ("start", "stop") and rest:
            getattr(self.trace, verb)(rest.split())
        elif verb == "mark":
            self.trace.mark()
        elif verb == "count":
            return str(sum(1 for _ in self.trace.lines(rest)))
        elif verb == "lines":
            return "\n".join(self.trace.lines(rest))
        elif verb == "last":
            return next(iter(deque(self.trace.lines(rest), 1)), "")
        else:
            raise ValueError("trace start|stop EVENT..., mark, or count|lines|last REGEX")
        return ""

    def do_sha256(self, rest):
        """sha256 DISK OFFSET LENGTH: of these bytes of its image file, as QEMU has left them there."""
        disk, offset, length = rest.split()
        below = self._node(disk) + "-file"
        for entry in self.qmp.command("query-named-block-nodes", flat=True):
            if entry["node-name"] == below:
                with open(entry["file"], "rb") as image:
                    image.seek(int(offset))
                    return hashlib.sha256(image.read(int(length))).hexdigest()
        raise QmpError(f"'{disk}' has no image file")

    def do_stat(self, rest):
        """stat DISK FIELD: a count that QEMU keeps for the disk (query-blockstats)."""
        disk, field = rest.split()
        self._node(disk)
        for entry in self.qmp.command("query-blockstats"):
            # The device is named by its place: /machine/peripheral/disk0/...
            if disk in entry.get("qdev", "").split("/"):
                return str(entry["stats"][field])
        raise QmpError(f"no statistics of '{disk}'")

    def do_sysrq(self, rest):
        """sysrq KEY: from the serial console, by a break; the kernel acts in its interrupt."""
        if self.console is None or len(rest) != 1:
            raise ValueError("sysrq KEY, in a guest with a console of its own")
        self.qmp.command("chardev-send-break", id="console")
        self.console.sendall(rest.encode())
        return ""

    def do_pause(self, rest):
        """pause SECONDS: the whole machine stands still, while its clock goes on."""
        seconds = float(rest)
        if not 0 < seconds <= 30:
            raise ValueError("pause SECONDS, 30 at most")
        self.process.send_signal(signal.SIGSTOP)
        try:
            time.sleep(seconds)
        finally:
            self.process.send_signal(signal.SIGCONT)
        return ""

    def do_device_del(self, rest):
        """device_del ID: asks for the removal; a controller goes when the guest lets it go."""
        # An earlier removal of a device of this name must not count for this one.
        self.qmp.events = [event for event in self.qmp.events
                           if event.get("data", {}).get("device") != rest]
        self.qmp.command("device_del", id=rest)
        return ""

    def do_wait_deleted(self, rest):
        """wait_deleted ID SECONDS: until QEMU has removed the device."""
        device, seconds = rest.split()
        self.qmp.wait_event(lambda event: event["event"] == "DEVICE_DELETED"
                            and event["data"].get("device") == device, float(seconds))
        return ""
