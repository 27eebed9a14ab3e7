# SPDX-License-Identifier: GPL-2.0
"""Checks from outside what a guest left on its disks, once it has been powered off.

A guest script names the checker (`# outside: FILE` in tests/outside/). It runs in the toolchain
root and reads one JSON object from its standard input:

  images   path of the raw image by disk name (disk0, disk1)
  events   the file with QEMU's trace events, of those that the guest asked for
  notes    what the guest noted by `note KEY VALUE`
  dumper   the command line of makedumpfile, without arguments
  work     a folder for files, removed afterwards

It prints a point a line, `ok NAME` or `not ok NAME # REASON`, and whatever else for the log. Its
points are counted as the guest's are.
"""

import json
import os
import re
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# A checker reads images of a few hundred MiB.
SECONDS = 120

POINT = re.compile(r"(?:not )?ok (?!\d)(.+)")


def run(name, facts, log):
    """Runs the checker; ([points without number], [problems])."""
    path = os.path.join(TOP, "tests/outside", name)
    log.write(f"\n*** outside: {name}\n".encode())
    log.flush()
    try:
        said = subprocess.run([sys.executable, "-B", path], input=json.dumps(facts).encode(),
                              check=False, stdout=subprocess.PIPE, stderr=log, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return [], [f"outside: {name} was not finished in {SECONDS} s"]
    log.write(said.stdout)
    lines = said.stdout.decode("utf-8", "replace").splitlines()
    problems = []
    if said.returncode:
        problems.append(f"outside: the exit status of {name} is {said.returncode}")
    return [line for line in lines if POINT.fullmatch(line)], problems


def numbered(points):
    """The points as KTAP lines."""
    return [re.sub(r"^((?:not )?ok) ", rf"\g<1> {number} ", point)
            for number, point in enumerate(points, 1)]
