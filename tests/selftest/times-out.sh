# SPDX-License-Identifier: GPL-2.0
# The script never ends.
# topology: none
# timeout: 25
# tests: 1
# expect: ^timeout: not finished in 25 s$
. /ironpath/lib.sh
plan 1
pass "first point"
tail -f /dev/null
