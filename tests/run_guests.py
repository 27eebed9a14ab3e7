# SPDX-License-Identifier: GPL-2.0
"""Runs the guest scripts of tests/guest/, each once for each topology, and counts their points.

Runs inside the toolchain root; `tests/run` on the host calls it. A script that reports other points
than it plans and declares has failed, whatever the points say.
"""

import argparse
import collections
import concurrent.futures
import fcntl
import os
import re
import sys
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "qemu"))

# pylint: disable=wrong-import-position
from guest import Guest  # noqa: E402
from script import Script, ScriptError  # noqa: E402
from topology import TopologyError  # noqa: E402

LOGS = os.path.join(TOP, "build/test-logs")
SKIPS = os.path.join(TOP, "tests/skips")
ROTATED = os.path.join(TOP, "tests/rotated")
# Nothing is silent for longer.
PROGRESS_SECONDS = 10
LOG_TAIL_LINES = 25
# One more guest starts once a processor has been idle for so long.
IDLE_SECONDS = 6

# Guests of a whole run that may start anew; one more is a failure.
RESTARTS = 2
# What a guest says whose stock kernel went no further. (One that is only slow does not start anew.)
NOT_BOOTED = re.compile(r"the guest did not boot: silent |the guest ended before its script")
POINT = re.compile(r"(not )?ok (\d+)(?: -)? ?([^#]*?)\s*(?:# (SKIP)?\s*(.*))?$")


class Ktap:
    """The points of one script, and what is wrong with the way they were reported."""

    def __init__(self, lines, declared):
        self.passed, self.failed, self.skipped = [], [], []
        self.problems = []
        planned = None
        ran = 0
        for line in lines:
            plan = re.fullmatch(r"1\.\.(\d+)", line)
            point = POINT.match(line)
            if plan:
                planned = int(plan[1])
            elif point:
                ran += 1
                if int(point[2]) != ran:
                    self.problems.append(f"point {point[2]} came as number {ran}")
                self._point(point)
            elif line.startswith("Bail out!"):
                self.problems.append(line)
        if planned is None:
            self.problems.append("no plan was printed")
        elif ran != planned:
            self.problems.append(f"{planned} points were planned, {ran} ran")
        if declared is None:
            self.problems.append("the script declares no '# tests: N'")
        elif ran != declared:
            self.problems.append(f"the script declares {declared} points, {ran} ran")

    def _point(self, point):
        reason = f" ({point[5]})" if point[5] else ""
        if point[1]:
            self.failed.append(point[3] + reason)
        elif point[4]:
            self.skipped.append((point[3], f": {point[5]}" if point[5] else ""))
        else:
            self.passed.append(point[3])


class Skips:
    """The points that may be skipped, by tests/skips."""

    def __init__(self, path, env):
        self.allowed = set()
        with open(path, encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip() or line.startswith("#"):
                    continue
                fields = [field.strip() for field in line.split("|")]
                if len(fields) != 4 or not all(fields):
                    raise ScriptError(f"{path}:{number}: not SCRIPT | POINT | WHEN | REASON")
                if not os.path.exists(os.path.join(TOP, "tests", fields[0] + ".sh")):
                    raise ScriptError(f"{path}:{number}: there is no tests/{fields[0]}.sh")
                if fields[2] == "always" or fields[2] in env:
                    self.allowed.add((fields[0], fields[1]))

    def judge(self, script, ktap):
        """A skipped point that is not listed has failed."""
        name = os.path.relpath(script, os.path.join(TOP, "tests")).removesuffix(".sh")
        for point, reason in list(ktap.skipped):
            if (name, point) not in self.allowed:
                ktap.skipped.remove((point, reason))
                ktap.failed.append(f"{point} (skipped{reason}; it is not listed in tests/skips)")


class Restarts:
    """How many guests have started anew because the stock kernel did not boot."""

    def __init__(self, most):
        self.most = most
        self.count = 0
        self._lock = threading.Lock()

    def take(self):
        """One more; false if there were as many as there may be."""
        with self._lock:
            if self.count >= self.most:
                return False
            self.count += 1
            return True


def idle_seconds():
    """The time that this machine's processors have been idle, summed up."""
    with open("/proc/stat", encoding="ascii") as stat:
        fields = stat.readline().split()
    # Without work, and without work but for I/O that is under way.
    return (int(fields[4]) + int(fields[5])) / os.sysconf("SC_CLK_TCK")


class Room:
    """Whether one more guest may start: while fewer than `jobs` run; and one beside these, where they wait
    (for a timeout, mostly) and leave a processor idle. It starts alone, so that what it takes is seen."""

    def __init__(self, jobs, clock=time.monotonic, idle=idle_seconds):
        self.jobs = jobs
        self._clock = clock
        self._idle = idle
        self._since = None
        self.started()

    def started(self):
        """A guest has started: what it takes has to be seen first."""
        self._since = (self._clock(), self._idle())

    def free(self, running):
        """Whether another guest may start while so many run."""
        if running < self.jobs:
            return True
        # Whoever asks for one guest at a time gets that.
        if running > self.jobs or self.jobs == 1:
            return False
        past, idle = self._clock() - self._since[0], self._idle() - self._since[1]
        if past < IDLE_SECONDS:
            return False
        if idle >= past:
            return True
        # Not now: the next seconds count by themselves.
        self.started()
        return False


class Job:
    """One script in one topology."""

    def __init__(self, folder, path, script, spec):
        self.script = script
        self.spec = spec
        self.name = os.path.relpath(path, folder).removesuffix(".sh")
        self.label = f"{self.name} [{spec}]"
        self.log = os.path.join(LOGS, f"{self.name.replace('/', '-')}-{spec}.log")
        self.ktap = None
        self.problems = []
        self.figures = []
        self.started = None
        # Its turn came too late.
        self.left_out = False
        self.first = None
        self.seconds = 0.0
        self.processor_seconds = 0.0

    def run(self, args, skips, restarts):
        """Boots the guest and judges what it reported."""
        self.started = time.monotonic()
        if args.stop_after is not None and self.started - args.start > args.stop_after:
            self.left_out = True
            return self
        env = dict(pair.split("=", 1) for pair in args.env)
        try:
            # Emulated, one boot in some hundreds stops where the kernel starts its second processor, or
            # dies where it patches its own text, long before anything that is tested: such a guest
            # starts anew, once, and the report says so.
            while True:
                guest = Guest(self.script, self.spec, kernel=args.kernel, image=args.image,
                              log=self.log, env=env)
                guest.run()
                if (guest.booted is not None or self.first
                        or not any(map(NOT_BOOTED.match, guest.problems))
                        or not restarts.take()):
                    break
                self.first = guest.problems[-1]
                os.replace(self.log, self.log + ".first")
        except (TopologyError, OSError) as err:
            self.problems = [str(err)]
            self.ktap = Ktap([], None)
            return self
        self.seconds = guest.seconds
        self.processor_seconds = guest.processor_seconds
        self.figures = guest.figures
        self.ktap = Ktap(guest.ktap, self.script.tests)
        skips.judge(self.script.path, self.ktap)
        # Failed points show in the exit status as well: that is one failure, not two.
        self.problems = [text for text in guest.problems
                         if not (self.ktap.failed and text.startswith("the script's exit status"))]
        self.problems += self.ktap.problems
        return self


def matches(name, want):
    """Whether a script's name is this one, or is in the group."""
    return name == want or name.startswith(want.rstrip("/") + "/")


def rotated(path):
    """(GROUP[/NAME], OPTIONS) of each line of tests/rotated."""
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip() or line.startswith("#"):
                continue
            fields = [field.strip() for field in line.split("|")]
            if len(fields) != 3 or not all(fields):
                raise ScriptError(f"{path}:{number}: not GROUP[/NAME] | OPTIONS | REASON")
            yield fields[0], fields[1]


def more_topologies(folder, scripts):
    """The jobs of tests/rotated."""
    jobs = []
    for want, options in rotated(ROTATED):
        want, *without = want.split(" !")
        chosen = [(path, script) for name, path, script in scripts
                  if matches(name, want) and name not in without]
        if not chosen:
            raise ScriptError(f"{ROTATED}: no test is called {want}")
        keys = {option.partition("=")[0] + "=" for option in options.split(",")}
        for path, script in chosen:
            specs = script.topologies or ["gen2"]
            if not any(option.startswith(key)
                       for spec in specs for option in spec.split(",") for key in keys):
                jobs.append(Job(folder, path, script, f"{specs[0]},{options}"))
    return jobs


def find(folder, wanted, named):
    """The jobs whose script's name is, or begins with the group, `wanted`; if that is empty, all but those
    to be named, or only these, with the topologies of tests/rotated."""
    jobs, scripts = [], []
    for place, _, names in sorted(os.walk(folder)):
        for name in sorted(names):
            path = os.path.join(place, name)
            short = os.path.relpath(path, folder).removesuffix(".sh")
            if not name.endswith(".sh") or name == "lib.sh":
                continue
            if wanted and not any(matches(short, want) for want in wanted):
                continue
            script = Script(path)
            scripts.append((short, path, script))
            if script.named == named or wanted:
                jobs += [Job(folder, path, script, spec) for spec in script.topologies or ["gen2"]]
    if named and not wanted:
        jobs += more_topologies(folder, scripts)
    return jobs


class Report:
    """Prints as it goes, counts, and says what is under way when nothing else is printed."""

    def __init__(self, verbose):
        self.verbose = verbose
        self.passed = self.failed = self.skipped = 0
        self._lock = threading.Lock()
        self._last = time.monotonic()

    def line(self, text):
        """One line, at once."""
        with self._lock:
            print(text, flush=True)
            self._last = time.monotonic()

    def progress(self, jobs, done):
        """What runs, when nothing was printed for a while."""
        if time.monotonic() - self._last < PROGRESS_SECONDS:
            return
        running = [f"{job.label} {time.monotonic() - job.started:.0f} s" for job in jobs
                   if job.started and job not in done]
        self.line(f"    ... {len(done)} of {len(jobs)} done; running: {', '.join(running)}")

    def left_out(self, job):
        """A job for which there was no time left."""
        self.line(f"     not run this time: {job.label}  {job.script.tests} points")

    def guest(self, job):
        """A finished job of the suite."""
        ktap = job.ktap
        bad = bool(ktap.failed or job.problems)
        self.passed += len(ktap.passed)
        self.skipped += len(ktap.skipped)
        self.failed += len(ktap.failed) + bool(job.problems)
        counts = f"{len(ktap.passed)} passed"
        if ktap.skipped:
            counts += f", {len(ktap.skipped)} skipped"
        text = [f"{'FAIL' if bad else 'ok  '} {job.label}  {counts}  {job.seconds:.1f} s"
                f" (processor {job.processor_seconds:.1f} s)"
                f"{f'  (its first guest did not boot: {job.first})' if job.first else ''}"]
        if self.verbose:
            text += [f"       ok: {name}" for name in ktap.passed]
        text += [f"   figure: {figure}" for figure in job.figures]
        text += [f"     skip: {name}{reason}" for name, reason in ktap.skipped]
        text += [f"   not ok: {name}" for name in ktap.failed]
        text += [f"  problem: {problem}" for problem in job.problems]
        if bad:
            text += [f"      log: {os.path.relpath(job.log, TOP)}, its end:", *tail(job.log)]
        self.line("\n".join(text))

    def last_line(self, restarts):
        """The sum of all."""
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        anew = f", {restarts.count} started anew" if restarts.count else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}{anew}"

    def selftest(self, job):
        """A finished case whose outcome is known: the runner must have seen just that."""
        found = job.problems + [f"not ok: {name}" for name in job.ktap.failed] or ["pass"]
        good = bool(job.script.expect) and all(
            any(re.search(expected, text) for text in found) for expected in job.script.expect)
        self.passed += good
        self.failed += not good
        self.line(f"{'ok  ' if good else 'FAIL'} runner sees: {job.name}  ({found[0]})"
                  f"  {job.seconds:.1f} s")


def tail(path):
    """The last lines of a log."""
    try:
        with open(path, encoding="utf-8", errors="replace") as log:
            return ["      | " + line.rstrip() for line in log.readlines()[-LOG_TAIL_LINES:]]
    except OSError:
        return []


def own_logs():
    """The folder of the logs; a run beside another in this tree has one of its own. Held until the end."""
    os.makedirs(LOGS, exist_ok=True)
    # pylint: disable-next=consider-using-with # the lock is this process's
    lock = open(os.path.join(LOGS, ".lock"), "w", encoding="ascii")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return LOGS, lock
    except BlockingIOError:
        return f"{LOGS}-{os.urandom(4).hex()}", lock


def main():
    """The command line."""
    parser = argparse.ArgumentParser(prog="tests/run", description=__doc__)
    parser.add_argument("--kernel", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--image", required=True, help=argparse.SUPPRESS)
    parser.add_argument("-j", "--jobs", type=int, default=2, help="guests at a time (2);"
                        " one more where these leave a processor idle")
    parser.add_argument("-v", "--verbose", action="store_true", help="show passed points as well")
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE",
                        help="set in the guests; DRIVER=megaraid_sas tests the C driver")
    parser.add_argument("-t", "--topology", help="only this one, declared or not")
    parser.add_argument("--list", action="store_true", help="only list what would run")
    parser.add_argument("--selftest", action="store_true", help="does the runner see failures?")
    parser.add_argument("--restarts", type=int, default=RESTARTS, metavar="N", help="guests that may"
                        f" start anew because the stock kernel did not boot ({RESTARTS})")
    parser.add_argument("--named", action="store_true",
                        help="those that a run of everything leaves out, and only these")
    parser.add_argument("--rotate", type=int, metavar="N",
                        help="in the order of their names, beginning with the Nth (modulo their number)")
    parser.add_argument("--stop-after", type=float, metavar="SECONDS",
                        help="no guest starts later; those that are left out are listed")
    parser.add_argument("names", nargs="*", metavar="GROUP[/NAME]")
    args = parser.parse_args()
    args.start = time.monotonic()

    try:
        jobs = find(os.path.join(TOP, "tests/selftest" if args.selftest else "tests/guest"),
                    args.names, args.named)
        skips = Skips(SKIPS, args.env)
    except (ScriptError, ValueError) as err:
        sys.exit(f"tests/run: {err}")
    if args.topology:
        # One job for each script is left, with the topology that was asked for.
        jobs = list({job.name: job for job in jobs}.values())
        jobs = [Job(os.path.join(TOP, "tests/guest"), job.script.path, job.script, args.topology)
                for job in jobs]
    if not jobs:
        print(f"tests/run: no test is called {' or '.join(args.names)}", file=sys.stderr)
        print("0 passed, 1 failed")
        return 1

    if args.rotate is not None:
        turn = args.rotate % len(jobs)
        jobs = jobs[turn:] + jobs[:turn]
    if args.list:
        for job in jobs:
            print(f"{job.label}  {job.script.tests} points, at most {job.script.timeout} s")
        return 0
    logs, _lock = own_logs()
    for job in jobs:
        job.log = os.path.join(logs, os.path.basename(job.log))
    report = Report(args.verbose)
    restarts = Restarts(args.restarts)
    finish = report.selftest if args.selftest else report.guest
    first = f", beginning with {jobs[0].label}" if args.rotate is not None else ""
    report.line(f"{len(jobs)} guests, {args.jobs} at a time{first}")
    done = set()
    # The longest first: the end is not one long guest alone.
    order = sorted(jobs, key=lambda job: -job.script.timeout) if args.rotate is None else jobs
    room = Room(max(1, args.jobs))
    waiting = collections.deque(order)
    with concurrent.futures.ThreadPoolExecutor(room.jobs + 1) as pool:
        pending = {}
        while waiting or pending:
            while waiting and room.free(len(pending)):
                job = waiting.popleft()
                pending[pool.submit(job.run, args, skips, restarts)] = job
                room.started()
            ready, _ = concurrent.futures.wait(pending, 1, concurrent.futures.FIRST_COMPLETED)
            for future in ready:
                job = pending.pop(future)
                done.add(job)
                future.result()
                (report.left_out if job.left_out else finish)(job)
            report.progress(jobs, done)
    print(report.last_line(restarts))
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
