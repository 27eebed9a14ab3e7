#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The recipe for gdb in qemu/README.md: what the guest prints makes the modules' symbols known, and a breakpoint
# in the driver is hit when a disk is read.
# tests: 5
# shellcheck source=tests/tools/lib.sh
. "$(dirname "$0")/lib.sh"

SECONDS_TO_BOOT=240
port=$((20000 + RANDOM % 20000))
function=$(sed -n 's/^(gdb) hbreak \([^ ]*\).*/\1/p' qemu/README.md)
mkfifo "$WORK/in"
GDB=$port qemu/vm gen2 <"$WORK/in" >"$WORK/console" 2>&1 &
guest=$!
exec 5>"$WORK/in"
on_console() { grep -q "$1" "$WORK/console"; }
in_gdb() { grep -Eq "$1" "$WORK/gdb" || { cat "$WORK/gdb" && false; }; }

wait_for $SECONDS_TO_BOOT on_console 'leave with: exit'
tr -d '\r' <"$WORK/console" | grep -E '^(set architecture|target remote|add-symbol-file) ' >"$WORK/commands"
point "the guest prints how gdb attaches, and where both modules are" \
	eval "grep -q ':$port$' '$WORK/commands' && grep -q 'rmegasas.ko 0x' '$WORK/commands' && grep -q 'storage.ko 0x' '$WORK/commands' && grep -q 'storage_scsi.ko 0x' '$WORK/commands'"
{
	printf 'set confirm off\nset pagination off\n'
	cat "$WORK/commands"
	printf 'hbreak %s\ncontinue\ninfo symbol $pc\ndelete\ndetach\nquit\n' "$function"
} >"$WORK/script"
in_root timeout 200 gdb -nx -batch -x "$WORK/script" >"$WORK/gdb" 2>&1 &
gdb=$!
is_set() { grep -q 'Hardware assisted breakpoint 1 at' "$WORK/gdb"; }
point "gdb finds $function" eval "wait_for 120 is_set || in_gdb 'Hardware assisted'"
echo 'dd if=/dev/sda of=/dev/null bs=4k count=1 iflag=direct' >&5
wait "$gdb"
point "it stops there when a disk is read" in_gdb "Breakpoint 1(\.[0-9]+)?, (0x[0-9a-f]+ in )?$function \("
point "in the driver, with its symbols" in_gdb ' in section \.text of .*/rmegasas\.ko'
echo 'exit' >&5
exec 5>&-
status=0
wait "$guest" || status=$?
point "the guest goes on, and ends well" [ "$status" = 0 ]
