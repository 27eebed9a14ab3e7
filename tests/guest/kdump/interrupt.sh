#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The crash comes in an interrupt handler, which never ends its interrupt, and on the second
# processor: sysrq from the serial console.
# topology: gen2,mem=384
# append: crashkernel=144M
# crash: Kernel panic - not syncing: sysrq triggered crash
# outside: dump.py
# when: named
# timeout: 480
# tests: 17
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
# shellcheck source=tests/guest/kdump/lib.sh
. /ironpath/kdump.sh
set -eu
plan $((3 + KDUMP_POINTS))

# The serial console's interrupt goes to the second processor.
move_console() {
	number=$(sed -n 's/^ *\([0-9]*\):.* ttyS0$/\1/p' /proc/interrupts)
	[ -n "$number" ] && echo 2 >"/proc/irq/$number/smp_affinity" &&
		[ "$(cat "/proc/irq/$number/effective_affinity_list")" = 1 ]
}

note "panic sysrq triggered crash"
note "trace CPU: 1 |sysrq_handle_crash|handle_irq_event|asm_common_interrupt"
check "the console's interrupt goes to the second processor" move_console
kdump_disks IRON0000
kdump_load CAPTURE_RUNG=msix
kdump_crash ctl sysrq c
