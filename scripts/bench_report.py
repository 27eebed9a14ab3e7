# SPDX-License-Identifier: GPL-2.0
"""Shows parts' JSON as tables, and says whether the goals are reached: bench_report.py [--plot] JSON...

The exit status is 1 if one is missed. With --plot, a gnuplot script is written beside each JSON that has
something to plot.
"""

import os
import sys

from bench_data import MODES, Controllers, Maps, Stalls, load

TITLES = {"dm_multipath": "dm-multipath (C)", "rmpath": "rmpath (Rust)",
          "rmpath-deadline": "rmpath, deadline of 1 s", "rmpath-abort": "the same, aborting"}
DEVICES = {"megaraid_sas": "megaraid_sas (C)", "rmegasas": "rmegasas (Rust)",
           "rmegasas-msi": "rmegasas, MSI", "rmegasas-intx": "rmegasas, INTx",
           "rmegasas-poll": "rmegasas, polling", "null_blk": "null_blk (floor)"}
SPREAD = "+-: how far the samples lie apart; a figure is their median"


def controllers(data):
    """Prints it."""
    part = Controllers(data)
    print(f"{'':10} {'device':20} {'instructions':>13} {'+-':>6} {'ratio to C':>11} {'above floor':>12} "
          f"{'interrupts':>11}")
    for direction in part.directions:
        floor = part.cost("null_blk", direction)["median"]
        for device, title in DEVICES.items():
            cost = part.cost(device, direction)
            print(f"{direction:10} {title:20} {cost['median']:13,} {cost['spread']:6,} "
                  f"{part.ratio(device, direction):11.3f} {cost['median'] - floor:12,} "
                  f"{part.interrupts(device, direction):11.2f}")
    print(SPREAD)


def maps(data):
    """Prints it."""
    part = Maps(data)
    print("instructions of a read above those of the paths; by bios over null_blk disks, above those of the "
          "floor, too\n")
    print(f"{'disks':12} {'mode':12} {'selector':14} {'paths':>5} {'dm-multipath':>13} {'+-':>6} {'rmpath':>8} "
          f"{'+-':>6} {'ratio':>7} {'floor':>7}")
    for row in part.rows:
        print(f"{row.disks:12} {MODES[row.mode]:12} {row.selector:14} {row.paths:5} {row.c:13,} "
              f"{row.c_spread:6,} {row.rust:8,} {row.rust_spread:6,} {row.ratio:7.3f} {row.floor:7,}")
    print(SPREAD)
    print("floor: a target that sends I/O to one path after the other and knows nothing of them")


def stall(data):
    """Prints it."""
    print("a path goes silent under reads, its driver gives a command up after 5 s\n")
    print(f"{'mode':12} {'target':28} {'nothing ended for':>18} {'slowest read':>13}")
    for row in Stalls(data).rows:
        print(f"{MODES[row.mode]:12} {TITLES[row.which]:28} {row.gap / 1000:16.1f} s {row.slowest / 1000:11.1f} s")


def goals(data):
    """Prints which are reached; whether all are."""
    good = True
    for text, reached in {"controllers": Controllers, "maps": Maps, "stall": Stalls}[data["part"]](data).goals():
        print(f"goal: {text}: {'reached' if reached else 'MISSED'}")
        good = good and reached
    return good


def plot(path, data):
    """The gnuplot script, with the data in it."""
    image = path.removesuffix(".json") + ".svg"
    if data["part"] == "controllers":
        part = Controllers(data)
        names = [DEVICES[device] for device in ("rmegasas", "megaraid_sas", "null_blk")]
        rows = [[direction] + [part.cost(device, direction)["median"]
                               for device in ("rmegasas", "megaraid_sas", "null_blk")]
                for direction in part.directions]
        title = "Instructions of one 4 KiB I/O, depth 32, one processor (less is better)"
    elif data["part"] == "maps":
        rows, names, title = Maps(data).series()
    else:
        return
    columns = ", ".join(f"$data using {number}:xtic(1) title '{name}'" for number, name in enumerate(names, 2))
    lines = "\n".join(" ".join(map(str, row)) for row in rows)
    with open(path.removesuffix(".json") + ".gnuplot", "w", encoding="utf-8") as script:
        script.write(f"""$data << END
{lines}
END
set terminal svg noenhanced size 720,420 background 'white' font 'sans,12'
set output '{image}'
set title '{title}'
set style data histograms
set style histogram clustered gap 1
set style fill solid 0.8 border -1
set yrange [0:*]
set grid ytics
set key outside bottom horizontal
plot {columns}
""")


def main():
    """The command line."""
    paths = [arg for arg in sys.argv[1:] if arg != "--plot"]
    good = True
    for path in paths:
        data = load(path)
        print(f"\n{os.path.basename(path)}: kernel {data['kernel']}, {data['qemu']}, commit {data['commit'][:12]}, "
              f"{data['samples']} samples\n{data['method']}\n")
        {"controllers": controllers, "maps": maps, "stall": stall}[data["part"]](data)
        good = goals(data) and good
        if "--plot" in sys.argv:
            plot(path, data)
    print()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
