# SPDX-License-Identifier: GPL-2.0
# Crashes with the crashkernel= that the run chooses, and writes a dump of level 31 (scripts/kdump-size).
# topology: gen2,mem=512
# crash: Kernel panic - not syncing: sysrq triggered crash
# timeout: 480
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
# shellcheck source=tests/guest/kdump/lib.sh
. /ironpath/kdump.sh
set -eu
plan $((2 + 7))

kdump_disks IRON0000
kdump_load CAPTURE_RUNG=msix CAPTURE_WHOLE=no
kdump_crash
