#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make doctor says what is missing, and for what, and changes nothing.
# tests: 8
# shellcheck source=tests/tools/lib.sh
. "$(dirname "$0")/lib.sh"

# without PROGRAM...: a PATH with all that there is, but for these.
without() {
	local folder program
	rm -rf "${WORK:?}/bin"
	mkdir "$WORK/bin"
	for folder in /usr/local/bin /usr/bin /bin /usr/sbin /sbin; do
		[ ! -d "$folder" ] || find -L "$folder" -maxdepth 1 -type f -exec ln -sf -t "$WORK/bin" {} + 2>/dev/null
	done
	for program; do
		rm -f "$WORK/bin/$program"
	done
}
# doctor [NAME=VALUE...]: what it says.
doctor() { env "$@" scripts/doctor >"$WORK/said" 2>&1; }
says() { grep -Eq -- "$1" "$WORK/said" || { cat "$WORK/said" && false; }; }

status=0
doctor X= || status=$?
point "its exit status is what its last line says" \
	eval "if says '^Nothing is missing\.$'; then [ $status = 0 ]; else says '^Missing: [1-9]' && [ $status = 1 ]; fi"
point "it tells of programs, rights and cache" eval "says '^Programs' && says '^Rights' && says '^Cache: '"

without mmdebstrap bwrap
point "a missing program is a failure" eval "! doctor PATH='$WORK/bin'"
point "with its package, and what needs it" \
	eval "says 'MISSING +mmdebstrap: needed for making the roots' && says 'MISSING +bubblewrap: needed for '"
point "and the line to install what is missing" \
	says '(apt-get install --no-install-recommends|make run installs the packages that it lacks:).* mmdebstrap bubblewrap'

point "a cache that is not there is not made" \
	eval "doctor IRONPATH_CACHE='$WORK/none'; says 'toolchain root is not made yet' && [ ! -e '$WORK/none' ]"
point "a cache that cannot be written is missing" \
	eval "! bwrap --ro-bind / / --dev /dev --proc /proc scripts/doctor >'$WORK/said' 2>&1 && says 'MISSING +the right to write to '"
# The namespace has no range of subordinate users for its user.
point "an ordinary user without a range in /etc/subuid is told how to get one" \
	eval "! as_user scripts/doctor >'$WORK/said' 2>&1 && says 'MISSING +a range for 54321 in /etc/subuid: .* usermod --add-subuids .* 54321$'"
