// SPDX-License-Identifier: GPL-2.0
/* Static inlines and macros of C headers, as functions that Rust can call. No logic. */

#include <linux/crash_dump.h>
#include <linux/export.h>
#include <linux/topology.h>

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

struct workqueue_struct *storage_alloc_workqueue(const char *name, bool reclaim)
{
	return alloc_workqueue("%s", WQ_PERCPU | (reclaim ? WQ_MEM_RECLAIM : 0), 0, name);
}
EXPORT_SYMBOL_GPL(storage_alloc_workqueue);

struct workqueue_struct *storage_alloc_ordered_workqueue(const char *name)
{
	return alloc_ordered_workqueue("%s", WQ_MEM_RECLAIM, name);
}
EXPORT_SYMBOL_GPL(storage_alloc_ordered_workqueue);

int storage_cpu_to_node(int cpu)
{
	return cpu_to_node(cpu);
}
EXPORT_SYMBOL_GPL(storage_cpu_to_node);
