/* SPDX-License-Identifier: GPL-2.0 */
/* Static inlines and macros of C headers, as functions that Rust can call. */

#ifndef STORAGE_HELPERS_H
#define STORAGE_HELPERS_H

#include <linux/completion.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

unsigned long storage_wait_for_completion_timeout(struct completion *done, unsigned long jiffies);
void storage_dma_rmb(void);
bool storage_is_capture_kernel(void);
int storage_cpu_to_node(int cpu);

struct workqueue_struct *storage_alloc_workqueue(const char *name, bool reclaim);
struct workqueue_struct *storage_alloc_ordered_workqueue(const char *name);

/* spinlock.c */
unsigned long storage_spin_lock_irq(spinlock_t *lock);
bool storage_spin_trylock_irq(spinlock_t *lock, unsigned long *flags);
void storage_spin_unlock_irq(spinlock_t *lock, unsigned long flags);

#endif
