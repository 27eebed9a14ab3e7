# SPDX-License-Identifier: GPL-2.0
"""Makes the table, bench.json and the plot's script of what scripts/guest/bench.sh measured."""

import json
import os
import sys

# One executed instruction is one nanosecond of guest time.
INSTRUCTIONS_PER_SECOND = 1_000_000_000
DEVICES = (("rmegasas", "rmegasas (Rust)"), ("megaraid_sas", "megaraid_sas (C)"),
           ("null_blk", "null_blk (floor)"))
# The default rung first: it is the row above.
RUNGS = (("rmegasas", "msix"), ("rmegasas-msi", "msi"), ("rmegasas-intx", "intx"),
         ("rmegasas-poll", "poll"))
DIRECTIONS = ("randread", "randwrite")
GOAL = 0.95


def read(path):
    """The kernel's release, and {device: {direction: {iops, instructions, interrupts}}}."""
    kernel, results = "", {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            words = line.split()
            if words[:1] == ["kernel"]:
                kernel = words[1]
            elif words[:1] == ["measured"]:
                _, device, direction, iops, interrupts = words
                results.setdefault(device, {})[direction] = {
                    "iops": float(iops),
                    "instructions_per_io": round(INSTRUCTIONS_PER_SECOND / float(iops)),
                    "interrupts_per_io": float(interrupts)}
    missing = [f"{device} {direction}" for device, _ in DEVICES + RUNGS for direction in DIRECTIONS
               if direction not in results.get(device, {})]
    if missing:
        sys.exit(f"bench: not measured: {', '.join(missing)}")
    return kernel, results


def plot(folder, results):
    """The gnuplot script, with the data in it."""
    rows = "\n".join(
        " ".join([direction] + [str(results[device][direction]["instructions_per_io"])
                                for device, _ in DEVICES]) for direction in DIRECTIONS)
    bars = ", ".join(
        f"$data using {column}{':xtic(1)' if column == 2 else ''} title '{title}'"
        for column, (_, title) in enumerate(DEVICES, 2))
    labels = ", ".join(
        f"$data using ($0+{(column - 3) * 0.25}):{column}:{column} with labels offset 0,0.6 notitle"
        for column in range(2, len(DEVICES) + 2))
    top = max(row["instructions_per_io"] for device in results.values() for row in device.values())
    with open(os.path.join(folder, "bench.gnuplot"), "w", encoding="utf-8") as script:
        script.write(f"""$data << END
{rows}
END
set terminal svg noenhanced size 720,420 background 'white' font 'sans,12'
set output '{folder}/bench.svg'
set title 'Instructions of one 4 KiB I/O, depth 32, one processor (less is better)'
set style data histograms
set style histogram clustered gap 1
set style fill solid 0.8 border -1
set yrange [0:{top * 1.1:.0f}]
set grid ytics
set key outside bottom horizontal
plot {bars}, {labels}
""")


def main():
    """bench_report.py FOLDER"""
    folder = sys.argv[1]
    kernel, results = read(os.path.join(folder, "measured"))
    ratio = {}
    print(f"\n4 KiB direct I/O, libaio, depth 32, one processor, kernel {kernel}\n")
    print(f"{'':10}  {'device':18} {'instructions':>13} {'ratio':>7} {'above':>9} {'interrupts':>11}")
    print(f"{'':10}  {'':18} {'an I/O':>13} {'to C':>7} {'floor':>9} {'an I/O':>11}")
    for direction in DIRECTIONS:
        base = results["megaraid_sas"][direction]["instructions_per_io"]
        floor = results["null_blk"][direction]["instructions_per_io"]
        for device, title in DEVICES:
            row = results[device][direction]
            count = row["instructions_per_io"]
            print(f"{direction:10}  {title:18} {count:13,} {count / base:7.3f} "
                  f"{count - floor:9,} {row['interrupts_per_io']:11.2f}")
        ratio[direction] = round(results["rmegasas"][direction]["instructions_per_io"] / base, 4)
    print(f"\n{'':10}  {'rmegasas by rung':18} {'instructions':>13} {'ratio':>7} {'':9} {'interrupts':>11}")
    for direction in DIRECTIONS:
        base = results["megaraid_sas"][direction]["instructions_per_io"]
        for device, rung in RUNGS:
            row = results[device][direction]
            count = row["instructions_per_io"]
            print(f"{direction:10}  {rung:18} {count:13,} {count / base:7.3f} "
                  f"{'':9} {row['interrupts_per_io']:11.2f}")
    reached = "reached" if max(ratio.values()) <= GOAL else "not reached"
    print(f"\ngoal: at most {GOAL} of the C driver: {reached}\n")
    with open(os.path.join(folder, "bench.json"), "w", encoding="utf-8") as out:
        json.dump({"kernel": kernel, "block_bytes": 4096, "depth": 32, "processors": 1,
                   "method": "QEMU -icount shift=0,sleep=off: instructions = 1e9 / IOPS",
                   "results": results, "ratio_to_c": ratio, "goal": GOAL}, out, indent=1)
        out.write("\n")
    plot(folder, results)


if __name__ == "__main__":
    main()
