# SPDX-License-Identifier: GPL-2.0
"""Boots the stock kernel with a topology, runs a script in the guest, and tells the truth about it.

Runs inside the toolchain root; `qemu/guest.sh` on the host calls it.
"""

import argparse
import contextlib
import os
import re
import select
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

import capture
import initramfs
import outside
import topology
from events import Trace
from qmp import Qmp, QmpError, Requests
from script import Script, ScriptError
from watch import Watch

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(TOP, "build")
HERE = os.path.join(TOP, "qemu")
CACHE = os.path.join(BUILD, "guest")
MODULES = os.path.join(BUILD, "modules")
TEST_MODULES = os.path.join(BUILD, "test-modules")

# Emulated, an old processor is the fastest: no fifth level of page tables, no mitigations of its own.
TCG_CPU = "Nehalem"
# As on a processor without Meltdown: to change page tables at each system call costs a quarter of all
# time here. Not where instructions are counted, so that figures remain comparable.
TCG_WORDS = ("pti=off",)
# From the script's end to the end of QEMU: shutdown of drivers included.
POWER_OFF_SECONDS = 30
# From power-on to the script's start; on an idle machine without KVM it takes 6 to 8 s, on a busy
# one ten times that. A kernel that boots prints all the time: silence means that it has stopped.
BOOT_SECONDS = 240
BOOT_SILENCE_SECONDS = 45
# An answer must fit in the guest's terminal buffer, which holds 4096 bytes.
ANSWER_BYTES = 3500

# What no driver may bring about: a frame that the controller cannot map. It answers BUSY, so that a
# driver whose retries have better luck goes on, and nobody sees it.
REFUSED_FRAMES = ("megasas_qf_map_failed", "megasas_frame_busy")

POINT = re.compile(r"^((?:not )?ok) (\d+)")


def kvm_works():
    """A /dev/kvm that opens is not enough: without these flags it cannot run a guest."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as info:
            capable = re.search(r"^flags\s*:.*\b(vmx|svm)\b", info.read(), re.M)
        os.close(os.open("/dev/kvm", os.O_RDWR))
    except OSError:
        return False
    return bool(capable)


def accelerator(kind):
    """What the `accel` option of a topology comes to on this machine: icount, kvm or tcg."""
    if kind == "auto":
        return "kvm" if kvm_works() else "tcg"
    return kind


def accelerator_args(kind):
    """QEMU arguments for an accelerator."""
    if kind == "icount":
        return ["-accel", "tcg", "-icount", "shift=0,sleep=off", "-cpu", TCG_CPU]
    if kind == "kvm":
        return ["-accel", "kvm", "-cpu", "host"]
    return ["-accel", "tcg,thread=multi", "-cpu", TCG_CPU]


class Guest:
    """One run of one guest script."""

    def __init__(self, script, spec, *, kernel, image, log, env=None, interactive=False,
                 gdb_port=None, timeout=None, append=(), on_line=None):
        self.script = script
        self.topology = topology.Topology(spec)
        self.kernel = initramfs.StockKernel(kernel)
        self.image = image
        self.log_path = log
        self.env = dict(env or {})
        self.interactive = interactive
        self.gdb_port = gdb_port
        self.timeout = timeout or (script.timeout if script else None)
        self.append = [*(script.append if script else ()), *append]
        self.on_line = on_line or (lambda kind, text: None)
        self.ktap = []
        # What the guest noted for the checker outside, and what it measured, in words.
        self.notes = {}
        self.figures = []
        self.status = None
        self.problems = []
        self.booted = None
        self.watch = None
        self._points_before = 0
        self._heard = 0.0
        self.seconds = 0.0
        # Processor time that QEMU has taken.
        self.processor_seconds = 0.0

    def run(self):
        """Boots, waits for the end, fills `problems`; true when there are none."""
        start = time.monotonic()
        os.makedirs(os.path.join(BUILD, "run"), exist_ok=True)
        os.makedirs(os.path.dirname(self.log_path), exist_ok=True)
        folder = tempfile.mkdtemp(dir=os.path.join(BUILD, "run"))
        try:
            with open(self.log_path, "wb") as log, contextlib.ExitStack() as stack:
                watch = self.watch = Watch(log, self.script.allow if self.script else (),
                                           self.script.crash if self.script else None,
                                           self._told)
                process, sockets = self._start(folder, stack)
                self._follow(process, sockets, watch, start, self._events(folder))
                watch.close()
                self._refused_frames(folder)
                self._after(folder, log)
                seen = dict.fromkeys(watch.bad)
                self.problems += [f"kernel log: {line}" for line in list(seen)[:5]]
                if self.problems:
                    log.write("".join(f"\n*** {text}" for text in self.problems).encode() + b"\n")
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        self.seconds = time.monotonic() - start
        return not self.problems

    def _after(self, folder, log):
        """What the guest left: only a crash that was planned and came can have left something."""
        if not self.script or self.status is None:
            return
        if self.script.crash and self.watch.crashed is None:
            if not self.status:
                self.problems.append("the script did not crash the kernel as it declares")
        elif self.script.outside:
            self._outside(folder, log)

    def _refused_frames(self, folder):
        events = Trace(None, self._events(folder)).lines("|".join(REFUSED_FRAMES))
        refused = sum(1 for _ in events)
        if refused:
            self.problems.append(f"the controller could not map a frame: {refused} events")

    def _outside(self, folder, log):
        images = {disk[0]: os.path.join(folder, disk[3] + ".raw") for disk in self.topology.disks}
        facts = {"images": images, "notes": self.notes, "work": folder,
                 "events": self._events(folder),
                 "dumper": capture.Tools(self.image, CACHE).command()}
        points, problems = outside.run(self.script.outside, facts, log)
        self._points_before = self._points()
        for line in outside.numbered(points):
            self._ktap(line)
        self.problems += problems

    def _points(self):
        return sum(POINT.match(line) is not None for line in self.ktap)

    def _ktap(self, line):
        if self._points_before:
            before = self._points_before
            line = POINT.sub(lambda point: f"{point[1]} {int(point[2]) + before}", line)
        self.ktap.append(line)
        self.on_line("ktap", line)

    # --- start --------------------------------------------------------------------------------

    def _files(self, folder):
        files = {name: os.path.join(HERE, "guest", name)
                 for name in ("agent", "interactive", "gdb-symbols")}
        for name in ("lib.sh", "verify.py"):
            files[name] = os.path.join(TOP, "tests/guest", name)
        # What a group of scripts has in common: kdump.sh, mpath.sh.
        for group in os.listdir(os.path.join(TOP, "tests/guest")):
            library = os.path.join(TOP, "tests/guest", group, "lib.sh")
            if os.path.exists(library):
                files[group + ".sh"] = library
        # With a list of what each needs, in the order of insertion.
        own = initramfs.OwnModules(MODULES, TEST_MODULES)
        for name, path in own.paths.items():
            self.kernel.check(path)
            files["modules/" + os.path.basename(path)] = path
            files[f"modules/{name}.order"] = "".join(f"{each}\n" for each in own.closure([name])).encode()
        if self.script:
            files["script"] = self.script.path
        if self.script and self.script.crash:
            files["vmlinuz"] = self.kernel.image
            files["capture.cpio"] = capture.build(
                kernel=self.kernel, image=self.image, cache=CACHE,
                modules=initramfs.OwnModules(MODULES), lib=files["lib.sh"], work=folder,
                drivers=[self.env.get("DRIVER", capture.DRIVER), *self.script.capture])
        env = {"IRONPATH_TOPOLOGY": self.topology.spec, "IRONPATH_HOST_MODULES": MODULES,
               "IRONPATH_APPEND": " ".join(self.topology.append()), **self.env}
        if self.interactive:
            env["IRONPATH_INTERACTIVE"] = "1"
        if self.gdb_port:
            env.update(IRONPATH_GDB="1", IRONPATH_GDB_PORT=str(self.gdb_port))
        files["env"] = "".join(f"export {key}={shlex.quote(value)}\n"
                               for key, value in env.items()).encode()
        return files

    @staticmethod
    def _events(folder):
        """Where QEMU writes the trace events that a script asks for."""
        return os.path.join(folder, "events")

    def _boot_image(self):
        if self.topology.machine["boot"] == "vmlinuz":
            return self.kernel.image
        return initramfs.inner_image(self.kernel, CACHE)

    def _start(self, folder, stack):
        initrd = os.path.join(folder, "initramfs")
        initramfs.build(initrd, kernel=self.kernel, cache=CACHE,
                        modules=self.script.modules if self.script else (),
                        files=self._files(folder))
        machine = self.topology.machine
        append = ["console=ttyS0", "panic=-1", "oops=panic", "ignore_loglevel",
                  # Scripts mark places in the kernel log: none of these may be dropped or overwritten.
                  "printk.devkmsg=on", "log_buf_len=1M", "random.trust_cpu=on",
                  # The boot's test of the timer counts ticks, and panics if the host is too busy.
                  "no_timer_check"]
        if self.gdb_port:
            append.append("nokaslr")
        accel = accelerator(machine["accel"])
        if accel == "tcg":
            append += TCG_WORDS
        append += self.topology.append()
        append += self.append
        sockets, ends = {}, {}
        # Connected pairs rather than sockets in the file system, whose paths may be too long.
        for name in ("console", "control", "qmp"):
            if name != "console" or not self.interactive:
                mine, theirs = socket.socketpair()
                sockets[name] = stack.enter_context(mine)
                ends[name] = stack.enter_context(theirs)
        args = ["qemu-system-x86_64", "-nodefaults", "-display", "none", "-no-reboot",
                "-D", self._events(folder),
                *(word for event in REFUSED_FRAMES for word in ("-trace", event)),
                "-machine", machine["machine"], "-smp", machine["smp"], "-m", machine["mem"],
                *accelerator_args(accel),
                "-kernel", self._boot_image(), "-initrd", initrd, "-append", " ".join(append)]
        for name, end in ends.items():
            args += ["-chardev", f"socket,id={name},fd={end.fileno()}"]
        if self.interactive:
            args += ["-chardev", f"stdio,id=console,signal=off,mux=on,logfile={self.log_path}"]
        args += ["-serial", "chardev:console", "-serial", "chardev:control",
                 "-object", "monitor-qmp,id=monitor,chardev=qmp",
                 "-blockdev", "driver=file,node-name=root-file,read-only=on,locking=off,"
                 f"filename={self.image.replace(',', ',,')}",
                 "-blockdev", "driver=raw,node-name=root,file=root-file,read-only=on",
                 "-device", "virtio-blk-pci,drive=root,id=root"]
        if self.gdb_port:
            args += ["-gdb", f"tcp:127.0.0.1:{self.gdb_port}"]
        args += self.topology.node_args(folder) + self.topology.device_args()
        # pylint: disable-next=consider-using-with # ended in _follow
        process = subprocess.Popen(args, pass_fds=[end.fileno() for end in ends.values()],
                                   stdin=None if self.interactive else subprocess.DEVNULL,
                                   stdout=None if self.interactive else subprocess.PIPE,
                                   stderr=None if self.interactive else subprocess.STDOUT)
        for end in ends.values():
            end.close()
        return process, sockets

    # --- until the end ------------------------------------------------------------------------

    def _follow(self, process, sockets, watch, start, events):
        control = threading.Thread(target=self._control, daemon=True,
                                   args=(process, sockets, start, events))
        control.start()
        ended = None
        try:
            while True:
                now = time.monotonic()
                if self.status is not None and ended is None:
                    ended = now
                problem = self._overdue(now - start, ended and now - ended)
                if problem:
                    self.problems.append(problem)
                    break
                self._note_processor_time(process)
                if "console" not in sockets:
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        process.wait(0.5)
                        break
                elif select.select([sockets["console"]], [], [], 0.5)[0]:
                    data = sockets["console"].recv(65536)
                    if not data:
                        break
                    self._heard = time.monotonic() - start
                    watch.feed(data)
                    self.on_line("console", data)
        finally:
            self._note_processor_time(process)
            code = self._end(process)
        # QEMU has gone: the control port's last lines are all there to be read.
        control.join(5)
        self._conclude(process, code)

    def _note_processor_time(self, process):
        # A process that has ended can be read until it is waited for.
        with contextlib.suppress(OSError), open(f"/proc/{process.pid}/stat", "rb") as stat:
            fields = stat.read().rpartition(b")")[2].split()
            ticks = int(fields[11]) + int(fields[12])
            self.processor_seconds = ticks / os.sysconf("SC_CLK_TCK")

    def _end(self, process):
        """Waits for QEMU's end, or brings it about; its exit status, none if it had to be killed."""
        try:
            return process.wait(0 if self.problems else POWER_OFF_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if not self.problems:
            self.problems.append(f"QEMU did not end within {POWER_OFF_SECONDS} s")
        return None

    def _overdue(self, running, off):
        if off is not None:
            return (off > POWER_OFF_SECONDS
                    and f"the guest did not power off in {POWER_OFF_SECONDS} s")
        if self.booted is None:
            silence = running - self._heard
            if not self.interactive and silence > BOOT_SILENCE_SECONDS:
                return f"the guest did not boot: silent for {BOOT_SILENCE_SECONDS} s"
            return running > BOOT_SECONDS and f"the guest did not boot in {BOOT_SECONDS} s"
        if self.timeout and running > self.booted + self.timeout:
            return f"timeout: not finished in {self.timeout} s"
        return None

    def _conclude(self, process, code):
        if process.stdout:
            said = process.stdout.read().decode("utf-8", "replace")
            # A held request is announced; that is no complaint.
            said = re.sub(r"^blkdebug: .*\n?", "", said, flags=re.M).strip()
            if said:
                self.problems.append(f"QEMU: {said[-500:]}")
        if self.status is None and not self.problems:
            self.problems.append("the guest ended before its script (panic, reboot or QEMU exit)")
        elif self.status not in (None, 0):
            self.problems.append(f"the script's exit status is {self.status}")
        if code and code > 0:
            self.problems.append(f"QEMU's exit status is {code}")
        elif code:
            self.problems.append(f"QEMU was killed by signal {-code}")

    def _control(self, process, sockets, start, events):
        try:
            qmp = Qmp(sockets["qmp"])
            requests = Requests(qmp, {disk[0]: disk[3] for disk in self.topology.disks},
                                sockets.get("console"), Trace(qmp, events), process)
            self._serve(requests, sockets["control"], start)
        except (QmpError, OSError):
            # QEMU has ended; the other thread finds out why.
            return

    def _mark(self, what):
        """The capture kernel has come to a place: when, counted from the crash?"""
        if self.watch.crashed is not None:
            text = f"{what} {time.monotonic() - self.watch.crashed:.1f} s after the panic"
            self.figures.append(text)
            self.on_line("say", text)

    def _told(self, text):
        """A line of a guest's script; false if it is a request, which wants an answer."""
        kind, _, rest = text.partition(" ")
        if kind == "exit":
            self.status = int(rest)
        elif kind == "ktap":
            self._ktap(rest)
        elif kind == "capture":
            # Its script counts its own points, from 1.
            self._points_before = self._points()
        elif kind == "say":
            self.on_line("say", rest)
        elif kind == "note":
            key, _, value = rest.partition(" ")
            self.notes[key] = value
        elif kind == "mark":
            self._mark(rest)
        elif kind == "figure":
            self.figures.append(rest)
            self.on_line("say", rest)
        else:
            return False
        return True

    def _serve(self, requests, control, start):
        for line in control.makefile("rb"):
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            if text == "ready":
                self.booted = time.monotonic() - start
            elif not self._told(text):
                succeeded, answer = requests.answer(text)
                answer = answer[:ANSWER_BYTES].replace("\\", "\\\\").replace("\n", "\\n")
                control.sendall(f"{'ok' if succeeded else 'error'} {answer}\n".encode())


def main():
    """The command line."""
    parser = argparse.ArgumentParser(prog="qemu/guest.sh", description=__doc__)
    parser.add_argument("--kernel", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--image", required=True, help=argparse.SUPPRESS)
    parser.add_argument("-t", "--topology", help="default: the script's first, else gen2")
    parser.add_argument("--timeout", type=int, help="seconds; default: the script's")
    parser.add_argument("--log", help="where the console is kept")
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE",
                        help="set in the guest")
    parser.add_argument("--append", action="append", default=[], metavar="WORD",
                        help="on the kernel's command line")
    parser.add_argument("-v", "--verbose", action="store_true", help="show the console")
    parser.add_argument("-q", "--quiet", action="store_true",
                        help="show what the script says, not its points")
    parser.add_argument("--interactive", action="store_true", help="a shell instead of a script")
    parser.add_argument("--gdb", type=int, metavar="PORT", help="let gdb attach")
    parser.add_argument("script", nargs="?")
    args = parser.parse_args()
    if bool(args.script) == args.interactive:
        parser.error("either a script or --interactive")

    def show(kind, text):
        if kind == "console" and args.verbose:
            sys.stdout.buffer.write(text)
        elif kind == "say" or (kind == "ktap" and not args.verbose and not args.quiet):
            print(text)
        sys.stdout.flush()

    try:
        script = Script(args.script) if args.script else None
        spec = args.topology or (script.topologies[0] if script and script.topologies else "gen2")
        name = os.path.basename(args.script).removesuffix(".sh") if args.script else "vm"
        guest = Guest(script, spec, kernel=args.kernel, image=args.image,
                      log=args.log or os.path.join(BUILD, "guest-logs", name + ".log"),
                      env=dict(pair.split("=", 1) for pair in args.env),
                      interactive=args.interactive, gdb_port=args.gdb, timeout=args.timeout,
                      append=args.append, on_line=show)
        good = guest.run()
    except (topology.TopologyError, ScriptError, OSError) as err:
        sys.exit(f"guest: {err}")
    for problem in guest.problems:
        print(f"guest: {problem}", file=sys.stderr)
    if not good:
        print(f"guest: the console's log is {guest.log_path}", file=sys.stderr)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
