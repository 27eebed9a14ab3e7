#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Modules are built and installed for one kernel: release, configuration and symbol table.
# tests: 13
# shellcheck source=tests/tools/lib.sh
. "$(dirname "$0")/lib.sh"

release=$(cat "$(scripts/kernel dir)/release")
stock=$(scripts/kernel dir)/stock/usr/src/linux-headers-$release
modules=(build/modules/*.ko)

# recorded MODULE FIELD
recorded() { tr '\0' '\n' <"$1" | sed -n "s/^$2=//p"; }
records() {
	local module
	for module in "${modules[@]}"; do
		[ "$(recorded "$module" "kernel_$1")" = "$(scripts/kernel-identity "$1" "$2")" ] || { echo "$module" && return 1; }
	done
}
point "modules record the configuration that they are built for" records config "$stock/.config"
point "and the symbol table" records symbols "$stock/Module.symvers"

# A tree that looks like a prepared one of this release; a build would fail for what it lacks.
tree=$WORK/tree
mkdir -p "$tree/include/config" "$tree/rust"
cp "$stock/.config" "$stock/Module.symvers" "$tree/"
cp "$stock/include/config/auto.conf" "$tree/include/config/"
echo "$release" >"$tree/include/config/kernel.release"
build() { env KDIR="$tree" OUT="$WORK/out" "$@" scripts/build; }
no_metadata="has no Rust metadata"
point "a tree with the same configuration and symbols is taken this far" refuses "$no_metadata" build
sed -i 's/^CONFIG_DEBUG_FS=y/# CONFIG_DEBUG_FS is not set/' "$tree/.config"
point "another configuration is refused at build, with what differs" \
	refuses "its configuration is not that of this kernel .*CONFIG_DEBUG_FS" build
point "a release string of its own is not" eval \
	"echo '$release-own' >'$tree/include/config/kernel.release' && refuses '$no_metadata' build"
echo "$release" >"$tree/include/config/kernel.release"
sed 's/^CONFIG_CC_VERSION_TEXT=.*/CONFIG_CC_VERSION_TEXT="the same, by another name"/' "$stock/.config" >"$tree/.config"
point "nor is another name of the compiler" refuses "$no_metadata" build
sed -i '/\tblk_start_plug\t/d' "$tree/Module.symvers"
point "another symbol table is refused at build" refuses "its symbol table is not that of this kernel .*blk_start_plug" build
echo "9.9.1" >"$tree/include/config/kernel.release"
point "so is another series, with those that are supported" refuses "supported series: $(supported_words) " build
echo "$release" >"$tree/include/config/kernel.release"
cp "$stock/Module.symvers" "$tree/"
point "LLVM= is refused for a tree that gcc has prepared" refuses "LLVM=1 does not fit it" build LLVM=1

# An installed kernel of the release, in a root of its own.
root=$WORK/root
kernel=$root/lib/modules/$release
mkdir -p "$kernel/build" "$WORK/bin"
printf '#!/bin/bash\n' >"$WORK/bin/depmod"
chmod +x "$WORK/bin/depmod"
install() { env PATH="$WORK/bin:$PATH" DESTDIR="$root" KERNEL="$release" scripts/install "$@"; }
cp "$stock/.config" "$kernel/config"
cp "$stock/Module.symvers" "$kernel/build/"
point "modules are installed for the kernel that they are built for" \
	eval "install install && [ \$(ls '$kernel/updates/ironpath' | wc -l) = ${#modules[@]} ] && install uninstall"
sed -i 's/^CONFIG_DEBUG_FS=y/# CONFIG_DEBUG_FS is not set/' "$kernel/config"
point "not for one of the same release with another configuration" \
	eval "refuses 'with another configuration than /' install install && [ ! -e '$kernel/updates/ironpath' ]"
cp "$stock/.config" "$kernel/config"
sed -i '/\tblk_start_plug\t/d' "$kernel/build/Module.symvers"
point "nor with another symbol table" refuses "with another symbol table than" install install
rm "$kernel/build/Module.symvers" "$kernel/config"
point "what cannot be compared is said" \
	eval "IRONPATH_CACHE=$WORK install install | grep 'no symbol table of the kernel .* to compare with'"
