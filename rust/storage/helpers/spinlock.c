// SPDX-License-Identifier: GPL-2.0
/*
 * Spinlocks that keep interrupts out, and may be released in any order.
 *
 * With spin_lock_irqsave() each lock restores the flags from before it was taken: released in the order in which
 * they were taken, the first would let interrupts in with the second held, and the second would keep them out
 * for good. Here the processor counts how many of these locks it holds, and lets interrupts in when the last
 * is released. While one is held nothing else runs on the processor but an NMI, whose handler must use none of
 * these locks, not even by spin_trylock(), so the count needs no lock.
 *
 * A task that sleeps with such a lock held, which is a bug that the scheduler reports, leaves its count behind.
 * The next task on that processor starts a count of its own.
 */

#include <linux/export.h>
#include <linux/irqflags.h>
#include <linux/percpu.h>
#include <linux/sched.h>

#include "helpers.h"

#ifdef CONFIG_PREEMPT_RT

/* These locks sleep, and interrupt handlers are threads: there is nothing to keep out. */
unsigned long storage_spin_lock_irq(spinlock_t *lock)
{
	spin_lock(lock);
	return 0;
}

bool storage_spin_trylock_irq(spinlock_t *lock, unsigned long *flags)
{
	*flags = 0;
	return spin_trylock(lock);
}

void storage_spin_unlock_irq(spinlock_t *lock, unsigned long flags)
{
	spin_unlock(lock);
}

#else

struct held {
	struct task_struct *task;	/* whose locks are counted */
	unsigned int count;
	unsigned long flags;		/* before the first lock */
};

static DEFINE_PER_CPU(struct held, held);

/* Interrupts are off. Returns the flags from before the first lock. */
static unsigned long count_lock(unsigned long flags)
{
	struct held *mine = this_cpu_ptr(&held);

	if (!mine->count || mine->task != current) {
		mine->task = current;
		mine->count = 0;
		mine->flags = flags;
	}
	mine->count++;
	return mine->flags;
}

unsigned long storage_spin_lock_irq(spinlock_t *lock)
{
	unsigned long flags;

	local_irq_save(flags);
	flags = count_lock(flags);
	spin_lock(lock);
	return flags;
}

bool storage_spin_trylock_irq(spinlock_t *lock, unsigned long *flags)
{
	local_irq_save(*flags);
	if (!spin_trylock(lock)) {
		local_irq_restore(*flags);
		return false;
	}
	*flags = count_lock(*flags);
	return true;
}

void storage_spin_unlock_irq(spinlock_t *lock, unsigned long flags)
{
	struct held *mine = this_cpu_ptr(&held);

	if (mine->count && mine->task == current && --mine->count)
		spin_unlock(lock);
	else
		spin_unlock_irqrestore(lock, flags);
}

#endif

EXPORT_SYMBOL_GPL(storage_spin_lock_irq);
EXPORT_SYMBOL_GPL(storage_spin_trylock_irq);
EXPORT_SYMBOL_GPL(storage_spin_unlock_irq);
