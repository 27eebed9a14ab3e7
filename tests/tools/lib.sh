# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Functions for the scripts that test the project's own tools, on this machine. A script sources this file,
# reports its points by `point`, and says by "# tests: N" how many they are.
set -uo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"
cd "$IRONPATH_TOP" || exit 1

# A folder of the test's own, where the toolchain root can reach it.
mkdir -p "$IRONPATH_BUILD/tools"
WORK=$(mktemp -d "$IRONPATH_BUILD/tools/XXXXXX")
trap 'rm -rf "$WORK"' EXIT

# point NAME COMMAND...: the point is the command's exit status; its output is shown if it fails.
point() {
	local name=$1 output
	shift
	if output=$("$@" 2>&1); then
		echo "ok $name"
	else
		echo "FAIL $name"
		printf '%s\n' "$output" | tail -n 40 | sed 's/^/     /'
	fi
}

# refuses REGEX COMMAND...: it fails, and says that.
refuses() {
	local regex=$1 output
	shift
	if output=$("$@" 2>&1); then
		echo "it succeeds"
		return 1
	fi
	grep -Eq -- "$regex" <<<"$output" || {
		printf 'it fails, but does not say "%s":\n%s\n' "$regex" "$output"
		return 1
	}
}

# wait_for SECONDS COMMAND...: polls until the command succeeds; fails when the time is over.
wait_for() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.2
	done
}

# as_user COMMAND...: as an ordinary user, without a name or any right, who owns what this one does: a user
# namespace maps the one to the other.
as_user() {
	bwrap --unshare-user --uid 54321 --gid 54321 --dev-bind / / --proc /proc --die-with-parent -- "$@"
}
