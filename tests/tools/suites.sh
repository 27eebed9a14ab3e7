#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# scripts/test: adds up its suites, and knows how many points each must have by what its files declare.
# tests: 9
# shellcheck source=tests/tools/lib.sh
. "$(dirname "$0")/lib.sh"

# A tree with few points, whose suites say that all have passed.
tree=$WORK/tree
mkdir -p "$tree"/scripts "$tree"/tests/{host,compile_fail,tools,selftest,guest/scsi}
cp scripts/test scripts/lib.sh scripts/versions scripts/kernel "$tree/scripts/"
cp -r scripts/packages "$tree/scripts/"
# plays FILE LINE...: makes FILE a script in the tree that consists of these lines.
plays() {
	local file=$tree/$1
	shift
	{ echo '#!/bin/bash' && printf '%s\n' "$@"; } >"$file"
	chmod +x "$file"
}
# guest FILE HEADER...: a guest script.
guest() {
	local file=$tree/tests/$1
	shift
	printf '# %s\n' "$@" >"$file"
}
plays scripts/setup
plays scripts/build
plays scripts/checks 'echo "2 passed, 0 failed"' exit 'point "one"' 'point "two"'
plays tests/host/run 'echo "1 passed, 0 failed"'
printf '    #[test]\n' >"$tree/tests/host/one.rs"
plays tests/compile_fail/run 'echo "2 passed, 0 failed"'
: >"$tree/tests/compile_fail/one.rs"
# shellcheck disable=SC2016 # for the script
plays tests/tools/run 'if [ "${1:-}" = --list ]; then echo 1; else echo "1 passed, 0 failed"; fi'
guest selftest/one.sh "tests: 5"
guest guest/scsi/one.sh "topology: a" "topology: b" "tests: 10"
guest guest/scsi/named.sh "when: named" "tests: 100"
guests() { plays tests/run "case \$1 in --selftest) echo '${2:-1 passed, 0 failed}' ;; *) echo \"\$@\" >'$WORK/asked'; echo '$1' ;; esac"; }
run() { "$tree/scripts/test" >"$WORK/said" 2>&1; }
last() { [ "$(tail -n 1 "$WORK/said")" = "$1" ] || { cat "$WORK/said" && false; }; }

guests "18 passed, 0 failed, 2 skipped"
point "all is well" run
point "the suites are summed up" last "25 passed, 0 failed, 2 skipped"
guests "18 passed, 0 failed, 1 started anew" "1 passed, 0 failed, 1 started anew"
point "guests that a suite is short of fail the run" eval "! run && grep -q 'the suite guest ran 18 points of the 20' '$WORK/said'"
point "the last line shows guests that started anew" last "25 passed, 1 failed, 2 started anew"
point "and the next suite may start fewer anew" grep -qx -- "--restarts 1" "$WORK/asked"
guests "20 passed, 0 failed"
guest guest/scsi/two.sh "tests: 3"
point "a script that is new adds to what there must be" eval "! run && grep -q 'ran 20 points of the 23' '$WORK/said'"
rm "$tree/tests/guest/scsi/two.sh"
: >"$tree/tests/compile_fail/two.rs"
point "so does a compile-fail case" eval "! run && grep -q 'compile_fail ran 2 points of the 4' '$WORK/said'"
rm "$tree/tests/compile_fail/two.rs"
guests "Segmentation fault"
point "a suite without its last line has failed" eval "! run && grep -q 'the suite guest did not come to its end' '$WORK/said'"
guests "19 passed, 1 failed"
point "a failed point fails the run" eval '! run && last "26 passed, 1 failed"'
