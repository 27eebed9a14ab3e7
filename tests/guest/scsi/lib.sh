# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# What guest scripts of SCSI host adapters have in common: calls of the kernel that are counted, a probe that
# fails, reads that are late, registers that are put out of reach. After lib.sh.

# --- what was taken and given back -----------------------------------------------------------

tracing=/sys/kernel/tracing
# Calls of what takes and of what gives back, counted by the kernel.
pairs="dma_alloc_attrs:dma_free_attrs
	request_threaded_irq:free_irq
	scsi_host_alloc:scsi_host_dev_release
	pci_request_region:pci_release_region"

# count_calls: from now on. A call that failcall makes fail afterwards is none.
count_calls() {
	mountpoint -q $tracing || mount -t tracefs none $tracing
	for pair in $pairs; do
		for function in "${pair%:*}" "${pair#*:}"; do
			echo "p:$function $function" >>$tracing/kprobe_events
			echo 1 >$tracing/events/kprobes/"$function"/enable
		done
	done
}
calls() { awk -v name="$1" '$1 == name { print $2 }' $tracing/kprobe_profile; }

# each_given_back LEAST: what was taken, each at least so many times, was given back as often.
each_given_back() {
	for pair in $pairs; do
		taken=$(calls "${pair%:*}")
		given=$(calls "${pair#*:}")
		if [ "$taken" -lt "$1" ] || [ "$taken" != "$given" ]; then
			echo "${pair%:*}: $taken, ${pair#*:}: $given"
			return 1
		fi
	done
}

# controllers: the PCI functions that the driver knows, by their folders in sysfs.
controllers() {
	for each in /sys/bus/pci/devices/*; do
		case $(cat "$each/vendor" "$each/device" | xargs) in
		"0x1000 0x0060" | "0x1000 0x0079") echo "$each" ;;
		esac
	done
}

# vectors: how many interrupts are in use.
vectors() { awk -F: '/^ *[0-9]+:/' /proc/interrupts | wc -l; }

# no_vectors: no controller has a vector of MSI or MSI-X.
no_vectors() {
	for each in $(controllers); do
		[ -z "$(ls "$each/msi_irqs" 2>/dev/null)" ] || return 1
	done
}

# disabled: no controller is enabled, nor may it read and write memory (bit 2 of its command register).
disabled() {
	for each in $(controllers); do
		if [ "$(cat "$each/enable")" != 0 ] || [ $((0x$(dd if="$each/config" bs=1 skip=4 count=1 2>/dev/null | od -An -tx1 | tr -d ' ') & 4)) != 0 ]; then
			echo "$each: enabled $(cat "$each/enable") times, command register $(dd if="$each/config" bs=2 skip=2 count=1 2>/dev/null | od -An -tx2)"
			return 1
		fi
	done
}

# --- reads that are late ---------------------------------------------------------------------

# Limits for `throttle`: with SLOW a read takes a second for each 4 KiB before the next begins. Writes are free.
# shellcheck disable=SC2034 # scripts use both
SLOW='{"iops-read": 1, "iops-size": 4096}'
# shellcheck disable=SC2034
FAST='{"iops-read": 0, "iops-size": 0}'

# throttle_disk: a throttle below the first disk, which does not limit it yet.
throttle_disk() {
	ctl qmp '{"execute": "object-add", "arguments": {"qom-type": "throttle-group", "id": "slow"}}'
	node='"driver": "throttle", "node-name": "slow", "throttle-group": "slow", "file": "d0-file"'
	ctl qmp "{\"execute\": \"blockdev-add\", \"arguments\": {$node}}"
	node='"driver": "raw", "node-name": "d0", "file": "slow", "discard": "unmap"'
	ctl qmp "{\"execute\": \"blockdev-reopen\", \"arguments\": {\"options\": [{$node}]}}"
}
# throttle LIMITS
throttle() {
	limits="\"path\": \"/objects/slow\", \"property\": \"limits\", \"value\": $1"
	ctl qmp "{\"execute\": \"qom-set\", \"arguments\": {$limits}}"
}

# --- registers -------------------------------------------------------------------------------

# config FUNCTION OFFSET WORD: writes a word of a function's configuration space.
config() {
	printf "\\$(printf %o $(($3 & 255)))\\$(printf %o $(($3 >> 8 & 255)))\\$(printf %o $(($3 >> 16 & 255)))\\$(printf %o $(($3 >> 24 & 255)))" |
		dd of="$1/config" bs=4 seek=$(($2 / 4)) conv=notrunc 2>/dev/null
}
# start_of FUNCTION BAR: its address.
start_of() { awk -v line="$2" 'NR == line + 1 { print $1 }' "$1/resource"; }

# The command register; 2: the function answers to memory accesses, 4: it may write to memory.
COMMAND=4

# find_memory: the ivshmem device of the topology `pulled`; sets `memory`, and `function` to the controller.
find_memory() {
	memory=$(dirname "$(grep -l 0x1110 /sys/bus/pci/devices/*/device)")
	# shellcheck disable=SC2034 # also for the scripts
	function=$(controllers)
}

# cover STATUS: memory takes the place of the controller's registers (BAR 1 of `function`), which no longer
# see what is written; the status register (0xb0) reads as STATUS, and so does everything if that is all ones.
cover() {
	start=$(start_of "$function" 1)
	# Where the kernel knows it to be; it may have been elsewhere.
	config "$memory" 24 "$(($(start_of "$memory" 2)))"
	config "$memory" $COMMAND 2
	python3 -c 'import mmap, struct, sys
file = open(sys.argv[1], "r+b")
memory = mmap.mmap(file.fileno(), 16384)
status = struct.pack("<I", int(sys.argv[2], 0))
memory[:] = (status if status == b"\xff" * 4 else bytes(4)) * (16384 // 4)
memory[0xb0:0xb4] = status
' "$memory/resource2" "$1"
	config "$function" $COMMAND 0
	config "$memory" $COMMAND 0
	config "$memory" 24 "$((start))"
	config "$memory" 28 0
	config "$memory" $COMMAND 2
}
# uncover: the registers are back.
uncover() {
	config "$memory" $COMMAND 0
	config "$function" $COMMAND 6
}
