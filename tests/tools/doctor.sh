#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make doctor says what is missing, and for what, and changes nothing.
# tests: 14
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
	eval "if says '^Nothing is missing( but kmod, .*)?\.$'; then [ $status = 0 ]; else says '^Missing: [1-9]' && [ $status = 1 ]; fi"
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

# A file that cannot be executed is in the place of each depmod.
without_depmod() {
	local file
	declare -a hidden=()
	for file in /usr/sbin/depmod /sbin/depmod /usr/bin/depmod /bin/depmod; do
		[ ! -e "$file" ] || hidden+=(--ro-bind /dev/null "$file")
	done
	bwrap --dev-bind / / --proc /proc "${hidden[@]}" scripts/doctor >"$WORK/said" 2>&1
	says 'note +kmod is not installed \(depmod\): needed for modules_install and uninstall only' &&
		says '^(Nothing is missing but kmod, |Missing: )'
}
with_depmod() {
	printf '#!/bin/sh\n' >"$WORK/depmod" && chmod +x "$WORK/depmod"
	doctor PATH="$WORK:$PATH"
	says "ok +kmod \\($WORK/depmod\\): needed for modules_install, uninstall" &&
		says '^(Nothing is missing\.|Missing: )'
}
point "without depmod it says which commands need it" without_depmod
point "where depmod is installed it says where" with_depmod

# crates: a cache with the crates of the lock file, all of them empty.
crates() {
	local folder=$WORK/crates/cargo/registry/cache/index
	mkdir -p "$folder"
	awk '$1 == "name" { name = $3 } $1 == "version" { version = $3 } $1 == "source" { print name "-" version ".crate" }' \
		tests/host/Cargo.lock | tr -d '"' | (cd "$folder" && xargs touch)
}
# offline COMMAND...: without a network.
offline() { bwrap --unshare-net --dev-bind / / --proc /proc env -u https_proxy "$@"; }
cached_crates() {
	crates
	offline IRONPATH_CACHE="$WORK/crates" scripts/doctor >"$WORK/said" 2>&1
	says 'ok +crates of the host tests \(loom, proptest\) are in the cache: for test'
}
missing_crate() {
	crates
	rm "$WORK"/crates/cargo/registry/cache/index/loom-*
	! offline IRONPATH_CACHE="$WORK/crates" scripts/doctor >"$WORK/said" 2>&1 &&
		says 'MISSING +a connection to crates\.io \(index\.crates\.io:443 does not answer\): needed for the first make test'
}
# A proxy that takes connections, on a port that it chooses.
with_proxy() {
	local port status=0
	coproc { in_root python3 -c 'import socket, sys
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
sys.stdin.read()'; }
	read -r port <&"${COPROC[0]}"
	doctor IRONPATH_CACHE="$WORK/none" https_proxy="http://user:word@127.0.0.1:$port/"
	says 'ok +crates\.io can be reached: the first make test fetches' || status=1
	eval "exec ${COPROC[1]}>&-"
	wait "$COPROC_PID"
	return $status
}
point "crates that are in the cache need no network" cached_crates
point "a crate that is not, and no network: told, and for what" missing_crate
point "a network that cargo reaches by a proxy is one" with_proxy

small_build() {
	! bwrap --dev-bind / / --proc /proc --size 1048576 --tmpfs "$IRONPATH_BUILD" scripts/doctor >"$WORK/said" 2>&1 &&
		says "MISSING +space in build/: 0 GiB free, .* guests' disks: run, .*, kdump-size\$" &&
		says '(guest image .*|memory: .*), kdump-size'
}
point "too little space for the guests' dumps is missing" small_build
