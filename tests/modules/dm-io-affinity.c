// SPDX-License-Identifier: GPL-2.0
/* The C selector, for comparison, from the kernel's own source: the stock kernel is built without it. */

#include "dm-ps-io-affinity.c"
