#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# scripts/kernel takes the rebuilt Rust metadata only if configuration, release and symbols are the stock kernel's.
# tests: 16
# shellcheck source=tests/tools/lib.sh
. "$(dirname "$0")/lib.sh"

# The real script, in a tree where the commands that it runs in the toolchain root are stubs: packages, sources,
# make.
tree=$WORK/tree
mkdir -p "$tree/scripts"
cp -r scripts/kernel scripts/versions scripts/packages "$tree/scripts/"
# Without a default, so that the order of the series is seen.
export DEFAULT_SERIES=none
# The newest supported series, with its pinned release, and the one before.
read -r newest before <<<"$(supported_series | paste -sd' ')"
pinned=$(tr ' ' '\n' <<<"$KERNELS" | grep "^$newest\.")
# The machine of this test runs no supported kernel, or the one that PLAY_RUNS says.
mkdir "$WORK/bin"
# shellcheck disable=SC2016 # for the script
printf '#!/bin/bash\necho "${PLAY_RUNS:-6.1.0-1-amd64}"\n' >"$WORK/bin/uname"
chmod +x "$WORK/bin/uname"
export PATH=$WORK/bin:$PATH
cp scripts/lib.sh "$tree/scripts/real-lib.sh"
cat >"$tree/scripts/lib.sh" <<'END'
. "$(dirname "${BASH_SOURCE[0]}")/real-lib.sh"
logged() {
	shift 2
	"$@"
}
symbols() { for number in $(seq "$1"); do printf "$2\n" "$number"; done; }
in_root() {
	local all=$* has name
	name=${all##*linux-image-}
	case $all in
	*"apt-cache show linux-image-"*)
		# With PLAY_HAS the mirror has these releases and no others; each is the name of a package all the same.
		for has in ${PLAY_HAS-$name}; do
			[ "$name" != "$has" ] || echo "Version: 7.0-1"
		done
		;;
	*"apt-cache pkgnames"*) printf 'linux-image-%s\n' ${PLAY_HAS-} "${name}99.9+deb13-amd64" | grep -F "$name" ;;
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
# complete [SERIES]: the default's, or this series' kernel is in the cache.
complete() { [ -e "$(env IRONPATH_CACHE="$cache" ${1:+KERNEL="$1"} "$tree/scripts/kernel" dir)/.complete" ]; }
release_is() { [ "$(cat "$(env IRONPATH_CACHE="$cache" ${2:+"$2"} "$tree/scripts/kernel" dir)/release")" = "$1" ]; }
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
newer=$newest.99+deb13-amd64
point "when the release has left the mirror, the newest of its series is used and said" \
	eval "says 'PLAY_HAS=$newest.98+deb13-amd64 $newer' 'using $newer, the newest of the series' && complete"

# The series.
point "it is the newest supported" eval "setup X= && release_is $pinned && complete $newest"
point "KERNEL= chooses another" eval "setup KERNEL=$before && complete $before && ! complete $newest"
point "one that is not supported is refused, with those that are" \
	refuses "KERNEL=9.9 is not supported; supported series: .*$before, $newest" setup KERNEL=9.9
running=$before.77+deb13-amd64
point "the running kernel comes first, in its own release" \
	eval "setup PLAY_RUNS=$running && release_is $running PLAY_RUNS=$running"
point "of a kernel that is not Debian's only the series counts" \
	eval "setup PLAY_RUNS=$before.77-custom && complete $before && ! release_is $before.77-custom PLAY_RUNS=$before.77-custom"
older=$before.98+deb13-amd64
point "a mirror that has dropped the newest series costs a line, and the next is taken" \
	eval "says 'PLAY_HAS=$older' 'no kernel of the series $newest .*trying the next' && release_is $older"
point "and what is left does not name the dropped one" \
	eval "[ -z \"\$(IRONPATH_CACHE=$cache '$tree/scripts/kernel' others)\" ]"
point "one that was asked for is refused when the mirror has none" \
	refuses "the mirror has no kernel of the series $newest " setup KERNEL="$newest" PLAY_HAS="$older"
point "a mirror with no supported series is refused" refuses "no kernel of a supported series \\(.*$newest\\)" setup PLAY_HAS=
