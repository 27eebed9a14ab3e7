#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Installing for a kernel below another root: modules, their dependencies, man pages; and removing all of it.
# tests: 5
# shellcheck source=tests/tools/lib.sh
. "$(dirname "$0")/lib.sh"

release=$(cat "$("$IRONPATH_TOP/scripts/kernel" dir)/release")
modules=$WORK/lib/modules/$release
installer() { in_root env DESTDIR="$WORK" KERNEL="${2:-$release}" scripts/install "$1" >"$WORK/said" 2>&1; }

point "modules for another kernel are refused" eval '! installer install 1.2.3 && grep -q "is built for kernel $release, not for 1.2.3" "$WORK/said"'
installer install || cat "$WORK/said"
point "modules are installed, and depmod finds what they need" \
	eval "grep -q '^updates/ironpath/rmegasas.ko:.* updates/ironpath/storage.ko' '$modules/modules.dep'"
man=$WORK/usr/local/share/man/man4
point "man pages are installed" eval "cmp '$man/rmegasas.4' drivers/scsi/megasas/rmegasas.4 && cmp '$man/rmpath.4' drivers/md/multipath/rmpath.4"
installer uninstall || cat "$WORK/said"
point "uninstall removes the modules" eval "[ ! -e '$modules/updates/ironpath' ] && ! grep -q ironpath '$modules/modules.dep'"
point "and the man pages" eval "[ -d '$man' ] && [ -z \"\$(ls '$man')\" ]"
