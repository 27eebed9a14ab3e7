# SPDX-License-Identifier: GPL-2.0
"""Makes one part's JSON of what its guests measured: bench_figures.py PART JSON COMMIT QEMU FILE...

A figure is the median of its samples; with it stand the samples, in the order in which they were taken, and
their spread, the largest less the smallest.
"""

import json
import statistics
import sys

METHODS = {
    "controllers": "4 KiB direct I/O, libaio, depth 32, one processor; QEMU -icount shift=0,sleep=off: "
                   "instructions = 1e9 / IOPS",
    "maps": "4 KiB random direct reads, libaio, depth 32, one processor; QEMU -icount shift=0,sleep=off: "
            "instructions = 1e9 / IOPS",
    "stall": "4 KiB random reads, 200 a second, depth 8, over two paths of which one goes silent; guest "
             "milliseconds",
}
# How many of a line's words name the figure, and what the others are.
LINES = {
    "measured": (2, ("instructions", "interrupts")),
    "measured-paths": (2, ("instructions",)),
    "measured-map": (5, ("instructions",)),
    "measured-stall": (2, ("gap_msecs", "slowest_msecs")),
}


def figure(samples):
    """One figure of its samples."""
    values = [float(sample) if "." in sample else int(sample) for sample in samples]
    return {"median": statistics.median_low(values), "spread": round(max(values) - min(values), 3),
            "samples": values}


def read(paths):
    """The kernel's release, and {"KIND NAME...": {unit: samples}}."""
    kernel, samples = None, {}
    for path in paths:
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                kind, *words = line.split() or [""]
                if kind == "kernel":
                    kernel = words[0]
                elif kind in LINES:
                    count, units = LINES[kind]
                    into = samples.setdefault(" ".join([kind, *words[:count]]), {})
                    for unit, value in zip(units, words[count:], strict=True):
                        into.setdefault(unit, []).append(value)
    return kernel, samples


def main():
    """The command line."""
    part, into, commit, qemu, *paths = sys.argv[1:]
    kernel, samples = read(paths)
    counts = {len(values) for units in samples.values() for values in units.values()}
    if len(counts) != 1:
        sys.exit(f"bench: {part}: the measurement is not whole ({sorted(counts)} samples)")
    with open(into, "w", encoding="utf-8") as out:
        json.dump({"part": part, "commit": commit, "kernel": kernel, "qemu": qemu,
                   "method": METHODS[part], "samples": counts.pop(),
                   "figures": {name: {unit: figure(values) for unit, values in units.items()}
                               for name, units in samples.items()}}, out, indent=1)
        out.write("\n")


if __name__ == "__main__":
    main()
