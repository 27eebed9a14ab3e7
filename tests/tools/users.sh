#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Root and an ordinary user, and two runs in one tree at once, build and boot alike.
# tests: 8
# shellcheck source=tests/tools/lib.sh
. "$(dirname "$0")/lib.sh"

# guest [COMMAND...]: a guest that does nothing boots and is judged, by the command; in $WORK/$1.
guest() {
	local into=$WORK/$1
	shift
	"$@" tests/run --selftest -j1 passes >"$into" 2>&1
	tail -n 1 "$into" | grep -qx "1 passed, 0 failed" || { cat "$into" && false; }
}
# as_root COMMAND...: as root, of a namespace if this is an ordinary user.
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else bwrap --unshare-user --uid 0 --gid 0 --dev-bind / / --proc /proc -- "$@"; fi; }
modules() { OUT=$WORK/$1 "${@:2}" scripts/build modules >"$WORK/$1.log" 2>&1 || { tail "$WORK/$1.log" && false; }; }

point "in the toolchain root everybody is root" \
	eval '[ "$(as_user scripts/in-root id -u)" = 0 ] && [ "$(as_root scripts/in-root id -u)" = 0 ]'
point "an ordinary user has nothing to set up that is there" as_user scripts/setup all
point "an ordinary user boots a guest" guest user as_user
point "root installs nothing for an ordinary user: files keep their owner" \
	eval '[ "$(stat -c %u build/test-logs/passes-none.log)" = "$(id -u)" ]'

# Two at once: builds into one folder, and guests.
# both COMMAND... -- COMMAND...: at once; whether both succeed.
both() {
	local pid good=0
	declare -a first=()
	while [ "$1" != -- ]; do
		first+=("$1")
		shift
	done
	shift
	"${first[@]}" &
	pid=$!
	"$@" || good=1
	wait "$pid" && [ "$good" = 0 ]
}
point "two builds at once in one folder succeed" both modules twice -- modules twice
point "and leave whole modules" has_modules "$WORK/twice"
point "two runs of guests at once in one tree pass" both guest first env -- guest second env
one_case() { tests/compile_fail/run irq_zero_vectors | tail -n 1 | grep -qx "2 passed, 0 failed"; }
point "so do two of the compile-fail cases" both one_case -- one_case
