# SPDX-License-Identifier: GPL-2.0
"""What the JSON of a measurement (bench_figures.py) means: figures by name, ratios, goals."""

import dataclasses
import json

MODES = {"rq": "by requests", "bio": "by bios"}
SELECTORS = ("round-robin", "queue-length", "service-time")


def load(path):
    """One part's JSON."""
    with open(path, encoding="utf-8") as file:
        return json.load(file)


class Controllers:
    """Instructions of an I/O through each driver."""

    # Of what the C driver takes.
    GOAL = 0.95
    directions = ("randread", "randwrite")

    def __init__(self, data):
        self.figures = data["figures"]

    def cost(self, device, direction):
        """The figure of instructions."""
        return self.figures[f"measured {device} {direction}"]["instructions"]

    def interrupts(self, device, direction):
        """Interrupts an I/O."""
        return self.figures[f"measured {device} {direction}"]["interrupts"]["median"]

    def ratio(self, device, direction):
        """To the C driver."""
        return self.cost(device, direction)["median"] / self.cost("megaraid_sas", direction)["median"]

    def goals(self):
        """(text, whether it is reached) of each."""
        worst = max(self.ratio("rmegasas", direction) for direction in self.directions)
        return [(f"at most {self.GOAL} of the C driver ({worst:.3f} at worst)", worst <= self.GOAL)]


@dataclasses.dataclass
class MapRow:
    """Both targets with one selector over so many paths: instructions above those of the paths; over null_blk
    disks, whose figures are exact, above those of the floor."""

    disks: str
    mode: str
    selector: str
    paths: int
    c: int
    c_spread: int
    rust: int
    rust_spread: int
    floor: int

    @property
    def ratio(self):
        """To the C target."""
        return self.rust / self.c


class Maps:
    """What maps cost."""

    # Of what the C target takes above the paths, over virtio-scsi disks.
    GOAL = 0.8
    # From the fewest paths to the most.
    GROWTH = 0.05

    def __init__(self, data):
        figures = {tuple(name.split()[1:]): value["instructions"] for name, value in data["figures"].items()}
        self.rows, self.floors = [], {}
        for name, value in figures.items():
            if len(name) != 5 or name[1] != "rmpath":
                continue
            disks, _, mode, selector, paths = name
            base = figures[(disks, paths)]["median"]
            floor = figures[(disks, "floor", mode, "none", paths)]["median"] - base
            below = base + floor if disks == "null_blk" else base
            c = figures[(disks, "dm_multipath", mode, selector, paths)]
            self.floors[(disks, mode, int(paths))] = floor
            self.rows.append(MapRow(disks, mode, selector, int(paths), c["median"] - below, c["spread"],
                                    value["median"] - below, value["spread"], floor))
        self.rows.sort(key=lambda row: (row.disks != "virtio_scsi", row.mode != "rq",
                                        SELECTORS.index(row.selector), row.paths))

    def of(self, disks, mode):
        """The rows of one table."""
        return [row for row in self.rows if (row.disks, row.mode) == (disks, mode)]

    def goals(self):
        """(text, whether it is reached) of each."""
        virtio = [row for row in self.rows if row.disks == "virtio_scsi"]
        worst = max(row.ratio for row in virtio)
        grown = []
        for pair in sorted({(row.mode, row.selector) for row in virtio}):
            costs = {row.paths: row.rust for row in virtio if (row.mode, row.selector) == pair}
            grown.append(costs[max(costs)] / costs[min(costs)] - 1)
        return [(f"at most {self.GOAL} of the C target above the paths ({worst:.3f} at worst)", worst <= self.GOAL),
                (f"at most {self.GROWTH:.0%} more with the most paths ({max(grown):+.1%} at worst)",
                 max(grown) <= self.GROWTH)]

    def series(self):
        """Rows, names of columns and title of the plot: one selector, over virtio-scsi disks."""
        names = [f"{target}, {MODES[mode]}" for mode in MODES for target in ("dm-multipath", "rmpath")]
        selectors = [row.selector for row in self.rows]
        selector = "service-time" if "service-time" in selectors else selectors[0]
        found = {(row.mode, row.paths): row for row in self.rows
                 if (row.disks, row.selector) == ("virtio_scsi", selector)}
        rows = []
        for paths in sorted({paths for _, paths in found}):
            both = [found.get((mode, paths)) for mode in MODES]
            rows.append([paths] + [cost for row in both for cost in ((row.c, row.rust) if row else ("?", "?"))])
        return rows, names, f"Instructions of a map above its paths, {selector}, by the number of paths"


@dataclasses.dataclass
class StallRow:
    """Milliseconds in which nothing ended, and of the slowest read."""

    which: str
    mode: str
    gap: int
    slowest: int


class Stalls:
    """For how long no I/O completes when a path stops answering."""

    def __init__(self, data):
        self.rows = []
        for name, value in data["figures"].items():
            _, which, mode = name.split()
            self.rows.append(StallRow(which, mode, value["gap_msecs"]["median"], value["slowest_msecs"]["median"]))
        self.rows.sort(key=lambda row: row.mode != "rq")

    @staticmethod
    def goals():
        """None is set."""
        return []
