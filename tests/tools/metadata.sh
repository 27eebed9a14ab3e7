#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# scripts/kernel takes the rebuilt Rust metadata only if configuration, release and symbols are the stock kernel's.
# tests: 8
# shellcheck source=tests/tools/lib.sh
. "$(dirname "$0")/lib.sh"

# The real script, in a tree where the commands that it runs in the toolchain root are stubs: packages, sources,
# make.
tree=$WORK/tree
mkdir -p "$tree/scripts"
cp -r scripts/kernel scripts/versions scripts/packages "$tree/scripts/"
cp scripts/lib.sh "$tree/scripts/real-lib.sh"
cat >"$tree/scripts/lib.sh" <<'END'
. "$(dirname "${BASH_SOURCE[0]}")/real-lib.sh"
logged() {
	shift 2
	"$@"
}
symbols() { for number in $(seq "$1"); do printf "$2\n" "$number"; done; }
in_root() {
	case "$*" in
	*"apt-cache show linux-image-"*) [ -z "${PLAY_NEWER:-}" ] ;;
	*"apt-cache pkgnames"*) printf 'linux-image-%s\n' $PLAY_NEWER ;;
	*"apt-cache show linux-headers-"*) echo "Version: 7.0-1" ;;
	*"dpkg-deb -x"*)
		mkdir -p "$headers" "$WORK/src"
		echo CONFIG_RUST=y >"$headers/.config"
		symbols "${PLAY_STOCK:-1200}" '0x1\tsymbol_%d\tvmlinux\tEXPORT_SYMBOL_GPL' >"$headers/Module.symvers"
		;;
	*olddefconfig) [ -z "${PLAY_CONFIG:-}" ] || echo "$PLAY_CONFIG" >>"$WORK/obj/.config" ;;
	*modules_prepare)
		mkdir -p "$WORK/obj/rust"
		symbols "${PLAY_RUST:-1100}" 'EXPORT_SYMBOL_RUST_GPL(symbol_%d);' >"$WORK/obj/rust/exports_core_generated.h"
		;;
	*kernelrelease) echo "${PLAY_MADE:-$release}" ;;
	esac
}
END
sed -i 's/^unpack() {/headers=$WORK\/stock\/usr\/src\/linux-headers-$release\n&/' "$tree/scripts/kernel"

# setup NAME=VALUE...: a set-up of its own in which that is so.
cache=$WORK/cache
setup() {
	rm -rf "$cache"
	env IRONPATH_CACHE="$cache" "$@" "$tree/scripts/kernel"
}
says() { setup "$1" >"$WORK/said" && grep -q -- "$2" "$WORK/said"; }
complete() { [ -e "$(IRONPATH_CACHE=$cache "$tree/scripts/kernel" dir)/.complete" ]; }
refused() {
	refuses "$1" setup "$2" || return
	! complete || { echo "and yet it is taken" && return 1; }
}

point "what fits is taken" eval "setup X= && complete"
point "it says what was checked" says X= "configuration unchanged, release .*, 1100 Rust symbols all exported"
point "a configuration that olddefconfig changes is refused" refused "configuration changed under olddefconfig" PLAY_CONFIG=CONFIG_MORE=y
point "another release string is refused" refused "calls itself '7.0.0'" PLAY_MADE=7.0.0
point "a symbol that the stock kernel does not export is refused" refused "not exported there, for instance: symbol_1100" PLAY_STOCK=1099
point "too few symbols are refused" refused "only 900 Rust symbols: it is not whole" PLAY_RUST=900
newer=$KERNEL_SERIES.99+deb13-amd64
point "when the release has left the mirror, the newest of its series is used and said" \
	eval "says 'PLAY_NEWER=$KERNEL_SERIES.98+deb13-amd64 $newer' 'using $newer, the newest of the series' && complete"
point "a mirror without the series is refused" refused "no kernel of the series" PLAY_NEWER=$KERNEL_SERIES.99-other
