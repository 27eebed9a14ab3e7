# SPDX-License-Identifier: GPL-2.0
"""Writes the figures of scripts/README.md from scripts/figures/*.json: readme_figures.py [--check]

What stands between `<!-- figures: NAME -->` and `<!-- end -->` is written by this script, from the JSON of its part;
a part that has none yet is left as it stands. With --check nothing is written, and the exit status is 1 if
something else stands there than would be.
"""

import os
import re
import sys

from bench_data import MODES, Controllers, Maps, Stalls, load

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
README = os.path.join(TOP, "scripts/README.md")
FOLDER = os.path.join(TOP, "scripts/figures")
BLOCK = re.compile(r"(<!-- figures: ([a-z-]+) -->\n).*?(<!-- end -->)", re.S)

DEVICES = (("rmegasas", "`rmegasas`, MSI-X"), ("rmegasas-msi", "`rmegasas`, MSI"),
           ("rmegasas-intx", "`rmegasas`, INTx"), ("rmegasas-poll", "`rmegasas`, polling"),
           ("megaraid_sas", "`megaraid_sas`, MSI-X"),
           ("null_blk", "`null_blk`: fio, system calls and block layer alone"))


def origin(data, spread):
    """Where the figures are from."""
    return (f"\nEach the median of {data['samples']} samples, which lie at most {spread:,} apart; commit "
            f"{data['commit'][:12]}, kernel {data['kernel']}, {data['qemu']}.\n")


def goals(part):
    """Which are reached."""
    return "".join(f"Goal: {text}: {'reached' if reached else 'missed'}.\n" for text, reached in part.goals())


def controllers():
    """Both drivers, and the floor."""
    data = load(os.path.join(FOLDER, "controllers.json"))
    part = Controllers(data)
    lines = ["| instructions per I/O | random read | random write |", "| --- | --- | --- |"]
    for device, title in DEVICES:
        cells = []
        for direction in part.directions:
            ratio = f" ({part.ratio(device, direction):.3f} of C)" if device == "rmegasas" else ""
            cells.append(f"{part.cost(device, direction)['median']:,}{ratio}")
        lines.append(f"| {title} | {' | '.join(cells)} |")
    spread = max(part.cost(device, direction)["spread"] for device, _ in DEVICES for direction in part.directions)
    return "\n".join(lines) + "\n" + origin(data, spread) + goals(part)


def maps_table(disks, mode):
    """What maps cost over these disks."""
    data = load(os.path.join(FOLDER, "maps.json"))
    part = Maps(data)
    rows = part.of(disks, mode)
    lines = [f"| {MODES[mode]}, {disks.replace('_scsi', '-scsi')} | paths | `dm-multipath` | `rmpath` | floor |",
             "| --- | --- | --- | --- | --- |"]
    before = None
    for row in rows:
        name = row.selector if row.selector != before else ""
        before = row.selector
        lines.append(f"| {name} | {row.paths} | {row.c:,} | {row.rust:,} ({row.ratio:.2f}) | {row.floor:,} |")
    spread = max(max(row.c_spread, row.rust_spread) for row in rows)
    return "\n".join(lines) + "\n" + origin(data, spread) + (goals(part) if disks == "virtio_scsi" else "")


def seconds(values):
    """`1.1 s`, or `17.5 to 18.3 s`."""
    low, high = (f"{value / 1000:.1f}" for value in (min(values), max(values)))
    return f"{low} s" if low == high else f"{low} to {high} s"


def stall():
    """One sentence."""
    data = load(os.path.join(FOLDER, "stall.json"))
    rows = Stalls(data).rows
    plain = seconds([row.gap for row in rows if row.which != "rmpath-abort"])
    abort = seconds([row.gap for row in rows if row.which == "rmpath-abort"])
    return (f"Nothing ended for {plain} with `dm-multipath`, with `rmpath`, and with a deadline of 1 s alone, as all "
            f"that a\nprocess had under way was held in the end; for {abort} with `path_deadline_abort`, by requests "
            f"and by bios.\n(Medians of {data['samples']} samples; commit {data['commit'][:12]}.)\n")


# What writes a block, and the part that it is of.
BLOCKS = {"controllers": (controllers, "controllers"), "maps": (lambda: maps_table("virtio_scsi", "rq"), "maps"),
          "maps-own": (lambda: maps_table("null_blk", "bio"), "maps"), "stall": (stall, "stall")}


def written(match):
    """A block as it is to be."""
    block, part = BLOCKS[match[2]]
    if not os.path.exists(os.path.join(FOLDER, part + ".json")):
        return match[0]
    return match[1] + block() + match[3]


def main():
    """The command line."""
    with open(README, encoding="utf-8") as file:
        old = file.read()
    found = [match[2] for match in BLOCK.finditer(old)]
    if sorted(found) != sorted(BLOCKS):
        sys.exit(f"scripts/README.md has places for {found}, there are figures of {list(BLOCKS)}")
    new = BLOCK.sub(written, old)
    if "--check" not in sys.argv:
        with open(README, "w", encoding="utf-8") as file:
            file.write(new)
        return 0
    stale = [match[2] for match, other in zip(BLOCK.finditer(old), BLOCK.finditer(new)) if match[0] != other[0]]
    if stale:
        print(f"scripts/README.md does not say what scripts/figures has, of {', '.join(stale)}: run scripts/readme_figures.py")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
