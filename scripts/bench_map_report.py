# SPDX-License-Identifier: GPL-2.0
"""Makes the tables, bench-maps.json and the plot's script of what scripts/guest/bench-mpath.sh and
scripts/guest/bench-stall.sh measured."""

import json
import os
import sys

TITLES = {"dm_multipath": "dm-multipath (C)", "rmpath": "rmpath (Rust)"}
MODES = {"rq": "by requests", "bio": "by bios"}
STALLS = {"dm_multipath": "dm-multipath (C)", "rmpath": "rmpath",
          "rmpath-deadline": "rmpath, deadline of 1 s", "rmpath-abort": "the same, aborting"}
GOAL = 0.8
GROWTH = 0.05


class Maps:
    """{paths: cost of these}; {(mode, paths): floor}; {(mode, selector, paths): {target: cost}}."""

    def __init__(self):
        self.bases, self.floors, self.costs = {}, {}, {}

    def as_json(self):
        """As it is kept."""
        return {"paths": self.bases,
                "floor": [{"mode": mode, "paths": paths, "cost": cost}
                          for (mode, paths), cost in self.floors.items()],
                "maps": [{"mode": mode, "selector": selector, "paths": paths, **row}
                         for (mode, selector, paths), row in self.costs.items()]}


def read(path):
    """{disks: measurements of maps over such}; stalls."""
    maps, stalls = {}, {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            words = line.split()
            if words[:1] == ["measured-paths"]:
                _, disks, paths, cost = words
                maps.setdefault(disks, Maps()).bases[int(paths)] = int(cost)
            elif words[:1] == ["measured-map"]:
                _, disks, target, mode, selector, paths, cost = words
                of_disks, paths, cost = maps[disks], int(paths), int(cost)
                if target == "floor":
                    of_disks.floors[(mode, paths)] = cost
                else:
                    of_disks.costs.setdefault((mode, selector, paths), {})[target] = cost
            elif words[:1] == ["measured-stall"]:
                _, which, mode, gap, slowest = words
                stalls[(mode, which)] = (int(gap), int(slowest))
    if any(set(row) != set(TITLES) for of in maps.values() for row in of.costs.values()):
        sys.exit("bench: the measurement of maps is not whole")
    return maps, stalls


def growth(costs, mode, selector, target):
    """By how much the cost of a target grows from the fewest paths to the most, of the path's."""
    counts = sorted(paths for m, s, paths in costs if (m, s) == (mode, selector))
    first, last = (costs[(mode, selector, paths)][target] for paths in (counts[0], counts[-1]))
    return last / first - 1


def cost_table(maps):
    """Prints what maps over virtio-scsi disks cost."""
    bases, floors, costs = maps.bases, maps.floors, maps.costs
    print("\nmaps: 4 KiB random reads, depth 32, one processor; instructions an I/O above those of the "
          "same reads\nspread over the paths: "
          + ", ".join(f"{paths} paths {base:,}" for paths, base in bases.items()) + "\n")
    print(f"{'mode':12} {'selector':14} {'paths':>5} {'dm-multipath':>13} {'rmpath':>8} "
          f"{'ratio':>7}   {'floor':>7}")
    for (mode, selector, paths), row in costs.items():
        c, rust = row["dm_multipath"], row["rmpath"]
        print(f"{MODES[mode]:12} {selector:14} {paths:5} {c:13,} {rust:8,} {rust / c:7.3f}   "
              f"{floors[(mode, paths)]:7,}")
    print("floor: a target that sends I/O to one path after the other and knows nothing of them")
    worst = max(row["rmpath"] / row["dm_multipath"] for row in costs.values())
    print(f"goal: at most {GOAL} of the C target: "
          f"{'reached' if worst <= GOAL else f'not reached ({worst:.3f} at worst)'}")
    pairs = sorted({(mode, selector) for mode, selector, _ in costs})
    grown = {target: max(growth(costs, *pair, target) for pair in pairs) for target in TITLES}
    print(f"goal: at most {GROWTH:.0%} more with the most paths: "
          f"{'reached' if grown['rmpath'] <= GROWTH else 'not reached'} "
          f"(rmpath {grown['rmpath']:+.1%}, dm-multipath {grown['dm_multipath']:+.1%} at worst)")


def own_table(maps):
    """Prints what is the targets' own: above the floor, over disks that answer to themselves."""
    print("\nthe same by bios over null_blk disks, exact: what each target adds to the floor\n")
    print(f"{'mode':12} {'selector':14} {'paths':>5} {'floor':>7} {'dm-multipath':>13} {'rmpath':>8} {'ratio':>7}")
    for (mode, selector, paths), row in maps.costs.items():
        floor = maps.floors[(mode, paths)]
        c, rust = (row[target] - floor for target in ("dm_multipath", "rmpath"))
        print(f"{MODES[mode]:12} {selector:14} {paths:5} {floor:7,} {c:13,} {rust:8,} {rust / c:7.3f}")


def stall_table(stalls):
    """Prints it."""
    print("\na path goes silent under reads, its driver gives a command up after 5 s\n")
    print(f"{'mode':12} {'target':28} {'nothing ended for':>18} {'slowest read':>13}")
    for (mode, which), (gap, slowest) in stalls.items():
        print(f"{MODES[mode]:12} {STALLS[which]:28} {gap / 1000:16.1f} s {slowest / 1000:11.1f} s")


def plot(folder, costs):
    """The gnuplot script, with the data in it: service-time, or whatever was measured."""
    selectors = sorted({selector for _, selector, _ in costs})
    selector = "service-time" if "service-time" in selectors else selectors[0]
    counts = sorted({paths for _, s, paths in costs if s == selector})
    series = [(target, mode) for mode in MODES for target in TITLES]
    rows = "\n".join(
        " ".join([str(paths)] + [str(costs.get((mode, selector, paths), {}).get(target, "?"))
                                 for target, mode in series]) for paths in counts)
    lines = ", ".join(
        f"$data using {column}:xtic(1) title '{TITLES[target]}, {MODES[mode]}'"
        for column, (target, mode) in enumerate(series, 2))
    with open(os.path.join(folder, "bench-maps.gnuplot"), "w", encoding="utf-8") as script:
        script.write(f"""$data << END
{rows}
END
set datafile missing '?'
set terminal svg noenhanced size 720,420 background 'white' font 'sans,12'
set output '{folder}/bench-maps.svg'
set title 'Instructions of a map above its paths, {selector}, by the number of paths (less is better)'
set style data histograms
set style histogram clustered gap 1
set style fill solid 0.8 border -1
set yrange [0:*]
set grid ytics
set key outside bottom horizontal
plot {lines}
""")


def main():
    """bench_map_report.py FOLDER"""
    folder = sys.argv[1]
    maps, stalls = read(os.path.join(folder, "measured-maps"))
    if "virtio_scsi" in maps:
        cost_table(maps["virtio_scsi"])
        plot(folder, maps["virtio_scsi"].costs)
    if "null_blk" in maps:
        own_table(maps["null_blk"])
    if stalls:
        stall_table(stalls)
    print()
    with open(os.path.join(folder, "bench-maps.json"), "w", encoding="utf-8") as out:
        json.dump({"maps": {disks: of.as_json() for disks, of in maps.items()},
                   "stalls": [{"mode": mode, "which": which, "gap_msecs": gap,
                               "slowest_msecs": slowest}
                              for (mode, which), (gap, slowest) in stalls.items()],
                   "goal": GOAL}, out, indent=1)
        out.write("\n")


if __name__ == "__main__":
    main()
