#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The lines of modprobe.d that drivers/md/multipath/README.md gives: whoever asks for the stock target or a selector of it gets
# rmpath, and only that. Where the stock target has come first, rmpath says what brought it.
# topology: none
# modules: dm_multipath dm_round_robin dm_queue_length dm_service_time
# timeout: 120
# tests: 31
# shellcheck source=tests/guest/lib.sh
. /ironpath/lib.sh
set -eu
plan 31

NAMES="dm-multipath dm-service-time dm-round-robin dm-queue-length dm-historical-service-time dm-io-affinity"
LINES=/etc/modprobe.d/ironpath-multipath.conf

has() { [ -d "/sys/module/$1" ]; }
unload() {
	for module in $(tac "$MODULES/rmpath.order") $(echo "$NAMES" | tr ' -' '\n_' | tac); do
		! has "$module" || rmmod "$module" || return
	done
}
# rmpath_alone: it is there, and nothing of the stock target.
rmpath_alone() {
	has rmpath || return
	for module in $(echo "$NAMES" | tr ' -' '\n_'); do
		! has "$module" || return
	done
}
install_modules() {
	modules=/usr/lib/modules/$(uname -r)
	mkdir -p "$modules/updates/ironpath"
	for module in $(cat "$MODULES/rmegasas.order" "$MODULES/rmpath.order"); do
		cp "$MODULES/$module.ko" "$modules/updates/ironpath/"
	done
	depmod
}
# initramfs_gets_rmpath NAME: asked for as manual_add_modules of initramfs-tools asks.
initramfs_gets_rmpath() {
	modprobe --all --set-version="$(uname -r)" --ignore-install --quiet --show-depends "$1" >/tmp/needed || return
	while read -r module; do
		grep -q "/$module\.ko" /tmp/needed || return
	done <"$MODULES/rmpath.order"
	! grep -q 'multipath\.ko' /tmp/needed
}

install_modules
mkdir -p /etc/modprobe.d

printf '%s\n' "alias dm-multipath rmpath" "blacklist dm_multipath" >$LINES
modprobe dm-service-time
check "a selector brings the stock target, blacklist or not" has dm_multipath
modprobe dm-round-robin
kmsg_mark
if modprobe dm-multipath 2>/dev/null; then
	fail "beside it, rmpath is refused"
else
	check "beside it, rmpath is refused" eval "! has rmpath"
fi
check "the log names the module that has registered the name" kmsg_has "rmpath: not loaded: module dm_multipath is registered as 'multipath'"
check "the log names the selectors that use it" kmsg_has "rmpath: .*what needs it: dm_service_time, dm_round_robin; see"
rmmod dm_service_time dm_round_robin
kmsg_mark
modprobe rmpath 2>/dev/null || :
check "the log names no selector that is not loaded" kmsg_has "rmpath: .*registered as 'multipath'; see"
unload

for name in $NAMES; do
	echo "alias $name rmpath"
done >$LINES
for name in $NAMES; do
	modprobe "$name"
	check "$name: rmpath comes alone" rmpath_alone
	for again in $NAMES; do
		modprobe "$again"
	done
	check "$name: and stays alone" rmpath_alone
	unload
	check "$name: an initramfs gets rmpath" initramfs_gets_rmpath "$name"
done
modprobe dm_service_time
check "underscores are the same" rmpath_alone
unload
modprobe --use-blacklist --quiet --all dm-multipath dm-service-time
check "as udev and modules-load.d ask" rmpath_alone
unload
# The kernel asks for dm-multipath when a table does.
check "as the kernel asks" dmsetup create --noudevsync m --table "0 8 multipath 0 0 0 0"
check "the kernel loaded rmpath" rmpath_alone
check "and nothing of what only SCSI drivers use" eval "! has storage_scsi && ! has rmegasas"
dmsetup remove --noudevsync m
rm $LINES
modprobe -r rmpath
modprobe dm-service-time
check "without the lines, the stock target" has dm_multipath
check "rmpath is gone" eval "! has rmpath"
unload
check "and all can be unloaded" eval "! has dm_multipath && ! has dm_service_time"
finish
