#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Figures: medians and spreads of samples, goals in the exit status, and the page that has them.
# tests: 9
# shellcheck source=tests/tools/lib.sh
. "$(dirname "$0")/lib.sh"

figures() { in_root python3 -B scripts/bench_figures.py "$@"; }
report() { in_root python3 -B scripts/bench_report.py "$@"; }

# said COST...: a measurement of the controllers in which rmegasas takes so much, a sample each.
said() {
	local device cost
	echo "kernel 7.2.12"
	for cost; do
		for device in megaraid_sas rmegasas rmegasas-msi rmegasas-intx rmegasas-poll null_blk; do
			for direction in randread randwrite; do
				case $device in
				rmegasas) echo "measured $device $direction $cost 0.5" ;;
				*) echo "measured $device $direction 1000 0.5" ;;
				esac
			done
		done
	done >"$WORK/said.lines"
	cat "$WORK/said.lines"
}
measured() {
	said "$@" >"$WORK/said"
	figures controllers "$WORK/controllers.json" abc "QEMU 1" "$WORK/said"
}
json() {
	in_root python3 -c 'import json, sys
data = json.load(open(sys.argv[1]))
print(eval(sys.argv[2], {"data": data, "cost": data["figures"]["measured rmegasas randread"]["instructions"]}))' \
		"$WORK/controllers.json" "$1"
}
is() { [ "$(json "$1")" = "$2" ] || { json "$1" && false; }; }

measured 940 999 900
point "a figure is the median of its samples" is 'cost["median"]' 940
point "with their spread, and all of them" is 'cost["spread"], cost["samples"]' "(99, [940, 999, 900])"
point "commit, kernel, QEMU and the number of samples are kept" \
	is 'data["commit"], data["kernel"], data["qemu"], data["samples"]' "('abc', '7.2.12', 'QEMU 1', 3)"
point "a goal that is reached is success" report "$WORK/controllers.json"
measured 940 960 970
point "one that is missed is in the exit status" refuses "goal: .* MISSED" report "$WORK/controllers.json"
said 940 960 >"$WORK/said"
sed -i '$d' "$WORK/said"
point "a sample too few is refused" refuses "not whole" figures controllers "$WORK/x.json" abc "QEMU 1" "$WORK/said"

# A tree of its own, whose README may be spoiled.
tree=$WORK/tree
mkdir -p "$tree/scripts/figures"
cp scripts/*.py "$tree/scripts/"
[ ! -d scripts/figures ] || cp -r scripts/figures "$tree/scripts/"
cp scripts/README.md "$tree/scripts/"
written() { in_root python3 -B "$tree/scripts/readme_figures.py" "$@"; }
point "scripts/README.md has the figures that are kept" written --check
measured 941 951 961
cp "$WORK/controllers.json" "$tree/scripts/figures/"
point "other figures make it stale" refuses "of controllers:" written --check
point "and are written into it" eval "written && written --check && grep -q '951 (0.951 of C)' '$tree/scripts/README.md'"
