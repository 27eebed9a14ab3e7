#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# .ci/run: sums up its parts, says what it left out, and fails with any of them; the runner's rotation.
# tests: 11
# shellcheck source=tests/tools/lib.sh
. "$(dirname "$0")/lib.sh"

# A tree whose commands only say what they would.
tree=$WORK/tree
mkdir -p "$tree/.ci" "$tree/scripts" "$tree/tests" "$tree/bin"
cp .ci/run "$tree/.ci/"
for tool in scripts/build scripts/setup scripts/kernel scripts/bench scripts/kdump-size tests/run bin/make; do
	# shellcheck disable=SC2016 # for the script
	printf '#!/bin/bash\necho "%s $*" >>"$CALLS"\nname=%s\n[ ! -e "$SAYS/$name" ] || . "$SAYS/$name"\n' \
		"$tool" "${tool##*/}" >"$tree/$tool"
	chmod +x "$tree/$tool"
done
export CALLS=$WORK/calls SAYS=$WORK/says
mkdir -p "$SAYS"
# shellcheck disable=SC2016 # for the script
echo 'case "$*" in "test KERNEL="*) echo "10 passed, 0 failed" ;; test) echo "40 passed, 0 failed, 1 skipped" ;; run) echo "   ok: first"; echo "   ok: second" ;; esac' \
	>"$SAYS/make"
# shellcheck disable=SC2016 # for the script
echo 'case $1 in --selftest) echo "1 passed, 0 failed" ;; *) echo "7 passed, 0 failed" ;; esac' >"$SAYS/run"

# Two more kernels are supported; the mirror turns out not to have one of them.
# shellcheck disable=SC2016 # for the script
printf '%s\n' '[ "$KERNEL" != 7.0 ] || { : >"$SAYS/absent" && echo no 7.0 && exit 1; }' >"$SAYS/setup"
# shellcheck disable=SC2016 # for the script
printf '%s\n' 'echo 7.1' '[ -e "$SAYS/absent" ] || echo 7.0' >"$SAYS/kernel"

# ci [NAME=VALUE...]: its exit status; what it printed is in $WORK/out.
ci() {
	: >"$CALLS"
	rm -f "$SAYS/absent"
	env PATH="$tree/bin:$PATH" "$@" "$tree/.ci/run" >"$WORK/out" 2>&1
}
last() { [ "$(tail -n 1 "$WORK/out")" = "$1" ]; }
succeeds() { ci "$@" || { cat "$WORK/out" && false; }; }

point "everything runs where there is time" succeeds X=
# 40 of make test, 10 with another kernel, 2 of make run, 1 each of the build, bench and kdump-size by their exit
# status, 1 and 7 of guests.
point "the parts are summed up" last "63 passed, 0 failed"
point "each other supported kernel is built for and booted" \
	eval "grep -qx 'bin/make test KERNEL=7.1 T=scsi/io mpath/basic' '$CALLS'"
point "one that the mirror does not have costs a line" \
	eval "! grep -q KERNEL=7.0 '$CALLS' && grep -qx '+ kernel 7.0: not run, the mirror does not have it' '$WORK/out'"
point "make run and the guests to be named are among them" \
	eval "grep -q '^bin/make run' '$CALLS' && grep -q '^tests/run --named --rotate [0-9]* --stop-after' '$CALLS'"
ci CI_LAST_START=-1
point "without time only make test and the other kernels run, and the rest is named" \
	eval "[ \"\$(grep -v '^scripts/[sk]e' '$CALLS' | paste -sd:)\" = 'bin/make test:bin/make test KERNEL=7.1 T=scsi/io mpath/basic' ] &&
		[ \$(grep -c 'not run this time' '$WORK/out') = 6 ]"
cp "$SAYS/make" "$WORK/make"
# shellcheck disable=SC2016 # for the script
echo 'case "$*" in "test KERNEL="*) echo "10 passed, 0 failed" ;; test) echo "40 passed, 0 failed" ;; esac' >"$SAYS/make"
point "a part that succeeds without a point fails the run" eval '! ci X= && last "61 passed, 1 failed" && grep -q "run reported no points" "$WORK/out"'
cp "$WORK/make" "$SAYS/make"
echo "exit 3" >"$SAYS/kdump-size"
point "a part that fails without a point fails the run" eval '! ci X= && last "62 passed, 1 failed"'
echo "sleep 60" >"$SAYS/kdump-size"
point "a part that takes too long is ended, and has failed" eval '! ci CI_END=4 && grep -q "no time left" "$WORK/out"'

# The runner: each beginning comes first once, and all follow it in turn.
rotated() {
	local first
	first=$(tests/run --named --rotate "$1" --list | head -n 1)
	[ -n "$first" ] && [ "$first" = "$(tests/run --named --list | sed -n "$2p")" ]
}
count=$(tests/run --named --list | wc -l)
point "the first guest is another one with each number" eval "rotated 0 1 && rotated 3 4 && rotated $((count + 1)) 2"
point "without time no guest starts, and each is named" \
	eval "[ \"\$(tests/run --named --stop-after -1 | grep -c 'not run this time')\" = \"\$(tests/run --named --list | wc -l)\" ]"
