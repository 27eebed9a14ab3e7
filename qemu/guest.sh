#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Runs a script in a guest: qemu/guest.sh [options] SCRIPT (see --help). Exit status is the truth.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../scripts/lib.sh"

"$IRONPATH_TOP/scripts/setup" guest
"$IRONPATH_TOP/scripts/setup" kernel
in_root python3 -B "$IRONPATH_TOP/qemu/guest.py" --kernel "$("$IRONPATH_TOP/scripts/kernel" dir)" \
	--image "$GUEST_IMAGE" "$@"
