// SPDX-License-Identifier: GPL-2.0
/* The C selector, to compare with, from the kernel's own source: the stock kernel is configured without it. */

#include "dm-ps-io-affinity.c"
