// SPDX-License-Identifier: GPL-2.0
/*
 * Takes the library's spinlocks two at a time and releases them in either order. Loading fails with the number
 * of the first step after which interrupts are not as they should be.
 */

#include <linux/irqflags.h>
#include <linux/module.h>
#include <linux/spinlock.h>

static DEFINE_SPINLOCK(first);
static DEFINE_SPINLOCK(second);

static unsigned long (*lock)(spinlock_t *lock);
static bool (*trylock)(spinlock_t *lock, unsigned long *flags);
static void (*unlock)(spinlock_t *lock, unsigned long flags);

#define EXPECT(step, off)						\
	do {								\
		if (irqs_disabled() != (off)) {				\
			pr_err("lockorder: interrupts are %s after step %d\n", (off) ? "on" : "off", step); \
			failed = failed ?: -(step);			\
		}							\
	} while (0)

static int orders(bool off)
{
	unsigned long one, other;
	int failed = 0;

	one = lock(&first);
	EXPECT(1, true);
	other = lock(&second);
	unlock(&first, one);
	EXPECT(2, true);
	unlock(&second, other);
	EXPECT(3, off);

	one = lock(&first);
	other = lock(&second);
	unlock(&second, other);
	EXPECT(4, true);
	unlock(&first, one);
	EXPECT(5, off);

	/* A lock that somebody else has is not counted. */
	one = lock(&first);
	if (trylock(&first, &other))
		failed = failed ?: -6;
	if (!trylock(&second, &other))
		failed = failed ?: -7;
	unlock(&first, one);
	EXPECT(8, true);
	unlock(&second, other);
	EXPECT(9, off);
	return failed;
}

static int __init lockorder_init(void)
{
	unsigned long flags;
	int failed = -ENOENT;

	lock = __symbol_get("storage_spin_lock_irq");
	trylock = __symbol_get("storage_spin_trylock_irq");
	unlock = __symbol_get("storage_spin_unlock_irq");
	if (lock && trylock && unlock) {
		failed = orders(false);
		local_irq_save(flags);
		failed = failed ?: orders(true);
		local_irq_restore(flags);
	}
	if (lock)
		__symbol_put("storage_spin_lock_irq");
	if (trylock)
		__symbol_put("storage_spin_trylock_irq");
	if (unlock)
		__symbol_put("storage_spin_unlock_irq");
	return failed;
}

static void __exit lockorder_exit(void)
{
}

module_init(lockorder_init);
module_exit(lockorder_exit);

MODULE_DESCRIPTION("Releases the library's spinlocks in either order, for tests");
MODULE_AUTHOR("The Ironpath developers");
MODULE_LICENSE("GPL");
