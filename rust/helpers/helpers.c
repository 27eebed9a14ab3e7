// SPDX-License-Identifier: GPL-2.0
/* Static inlines and macros of C headers, as functions that Rust can call. No logic. */

#include <linux/blk-mq.h>
#include <linux/crash_dump.h>
#include <linux/export.h>

#include "helpers.h"

unsigned long storage_wait_for_completion_timeout(struct completion *done, unsigned long jiffies)
{
	return wait_for_completion_timeout(done, jiffies);
}
EXPORT_SYMBOL_GPL(storage_wait_for_completion_timeout);

void storage_dma_rmb(void)
{
	dma_rmb();
}
EXPORT_SYMBOL_GPL(storage_dma_rmb);

bool storage_is_capture_kernel(void)
{
	return is_kdump_kernel() || reset_devices;
}
EXPORT_SYMBOL_GPL(storage_is_capture_kernel);
