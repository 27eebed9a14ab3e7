# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck disable=SC2034 # used by the scripts that read this one
# Shared by the scripts: places, progress lines, entering the toolchain root.

IRONPATH_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/versions
. "$IRONPATH_TOP/scripts/versions"

IRONPATH_CACHE=${IRONPATH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ironpath}
IRONPATH_BUILD=$IRONPATH_TOP/build

# cache_key FILE...: the key of a cached thing is what describes it: these files, and what they depend on besides.
# A kernel that is pinned anew costs no new roots.
cache_key() { { echo "$DEBIAN_SUITE $RUSTC_VERSION $BINDGEN_VERSION" && cat "$@"; } | sha256sum | cut -c1-12; }

ROOT_DIR=$IRONPATH_CACHE/root-$(cache_key "$IRONPATH_TOP/scripts/packages/toolchain")
GUEST_IMAGE=$IRONPATH_CACHE/guest-$(cache_key "$IRONPATH_TOP/scripts/packages/guest").ext4

# series_of RELEASE: "7.3" of "7.3.4+deb13-amd64".
series_of() { sed -E 's/^([0-9]+\.[0-9]+).*/\1/' <<<"$1"; }

# supported_series: a line for each, the newest first.
supported_series() { for release in $KERNELS; do series_of "$release"; done | sort -Vr; }

is_supported() { supported_series | grep -xF -- "$1" >/dev/null; }

# The same as words.
supported_words() { supported_series | sort -V | paste -sd, | sed 's/,/, /g'; }

die() {
	printf 'ironpath: %s\n' "$*" >&2
	exit 1
}

say() { printf 'ironpath: %s\n' "$*"; }

# logged WHAT LOG COMMAND...: runs COMMAND with its output in LOG, says what is done and how long it
# took, and shows the last line of the log every 10 s, so that nothing is silent.
logged() {
	local what=$1 log=$2 start=$SECONDS pid status=0 told=$SECONDS
	shift 2
	mkdir -p "$(dirname "$log")"
	say "$what ..."
	"$@" >"$log" 2>&1 </dev/null &
	pid=$!
	while kill -0 "$pid" 2>/dev/null; do
		sleep 0.2
		if [ $((SECONDS - told)) -ge 10 ]; then
			told=$SECONDS
			printf '    %4d s  %s\n' $((SECONDS - start)) \
				"$(tail -n 1 "$log" | tr -d '\r' | cut -c1-100)"
		fi
	done
	wait "$pid" || status=$?
	if [ "$status" != 0 ]; then
		tail -n 30 "$log" >&2
		die "failed: $what (exit status $status); the whole log is $log"
	fi
	say "$what: done in $((SECONDS - start)) s"
}

# one_at_a_time NAME: takes the lock NAME of this tree until the script ends; waits for another run that has it.
one_at_a_time() {
	local start=$SECONDS
	mkdir -p "$IRONPATH_BUILD"
	exec 6>"$IRONPATH_BUILD/.$1.lock"
	until flock -w 10 6; do
		say "another run of $1 in this tree is under way; waiting for it ($((SECONDS - start)) s) ..."
	done
}

# modules: the project's modules, a line each: the path of the root file without its suffix, the crates that it
# uses. module_names: their names alone. has_modules FOLDER: it has each of them, built.
modules() { sed '/^#/d' "$IRONPATH_TOP/scripts/modules"; }
module_names() { modules | sed 's, .*,,; s,.*/,,'; }
has_modules() {
	local name
	for name in $(module_names); do
		[ -s "$1/$name.ko" ] || return 1
	done
}

# alive COMMAND...: passes on what COMMAND prints; says how long it has run when it is silent for 10 s.
# Lines "progress TEXT" overwrite each other on a terminal.
alive() {
	local start=$SECONDS line over=0 got from
	exec {from}< <("$@" 2>&1 </dev/null)
	while true; do
		got=0
		IFS= read -r -t 10 -u "$from" line || got=$?
		if [ "$got" -gt 128 ]; then
			line="progress $((SECONDS - start)) s ..."
		elif [ "$got" != 0 ] && [ -z "$line" ]; then
			break
		fi
		if [[ $line == progress\ * && -t 1 ]]; then
			printf '\r    %-90s' "${line#progress }"
			over=1
			continue
		fi
		[ "$over" = 0 ] || printf '\n'
		over=0
		case $line in
		progress\ *) printf '    %s\n' "${line#progress }" ;;
		*) printf '%s\n' "$line" ;;
		esac
	done
	[ "$over" = 0 ] || printf '\n'
	exec {from}<&-
	wait "$!"
}

# in_root COMMAND...: runs COMMAND in the toolchain root, as root of a user namespace that holds
# nothing but the caller's own identity. The project and the cache keep their paths.
in_root() {
	bwrap --unshare-user --uid 0 --gid 0 --unshare-pid --die-with-parent \
		--bind "$ROOT_DIR" / --dev-bind /dev /dev --proc /proc --tmpfs /tmp \
		--ro-bind-try /etc/resolv.conf /etc/resolv.conf \
		--ro-bind-try /etc/hosts /etc/hosts \
		--bind "$IRONPATH_CACHE" "$IRONPATH_CACHE" \
		--bind "$IRONPATH_TOP" "$IRONPATH_TOP" \
		${IRONPATH_BIND:+--bind "$IRONPATH_BIND" "$IRONPATH_BIND"} \
		--chdir "$IRONPATH_TOP" \
		--clearenv --setenv PATH /usr/sbin:/usr/bin:/sbin:/bin \
		--setenv HOME /root --setenv LANG C.UTF-8 --setenv TERM "${TERM:-dumb}" \
		${http_proxy:+--setenv http_proxy "$http_proxy"} \
		${https_proxy:+--setenv https_proxy "$https_proxy"} \
		${CARGO_REGISTRY_ENV:+--setenv CARGO_HOME "$IRONPATH_CACHE/cargo"} \
		"$@"
}
