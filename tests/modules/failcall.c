// SPDX-License-Identifier: GPL-2.0
/*
 * Makes one call of a kernel function fail: the call returns a value of the test's choice without the
 * function being entered. The kernel stays as it is: this is a kprobe that redirects the call.
 *
 *   insmod failcall.ko function=request_threaded_irq value=-28 at=1 comm=insmod
 *
 * fails the first call by a task whose name begins so. The parameter `calls` counts the calls of such
 * tasks, with at=0 without failing any.
 */

#include <linux/atomic.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/string.h>

static char *function;
module_param(function, charp, 0444);
MODULE_PARM_DESC(function, "the function");

static long value = -ENOMEM;
module_param(value, long, 0444);
MODULE_PARM_DESC(value, "what the failed call returns");

static unsigned int at = 1;
module_param(at, uint, 0444);
MODULE_PARM_DESC(at, "which call fails, from 1; 0: none");

static unsigned int until;
module_param(until, uint, 0444);
MODULE_PARM_DESC(until, "the last call that fails (0: that one only)");

static char *comm = "insmod";
module_param(comm, charp, 0444);
MODULE_PARM_DESC(comm, "how the names of the tasks whose calls count begin");

static unsigned int calls;
module_param(calls, uint, 0444);
MODULE_PARM_DESC(calls, "how many calls there were");

static atomic_t count = ATOMIC_INIT(0);

/* In place of the function: the caller's return address is on top of the stack. */
static noinline long failed(void)
{
	return value;
}

static int entered(struct kprobe *probe, struct pt_regs *regs)
{
	unsigned int number;

	if (strncmp(current->comm, comm, strlen(comm)))
		return 0;
	number = atomic_inc_return(&count);
	WRITE_ONCE(calls, number);
	if (!at || number < at || number > (until ? until : at))
		return 0;
	instruction_pointer_set(regs, (unsigned long)failed);
	return 1;
}
NOKPROBE_SYMBOL(entered);

/* A probe with such a handler is not optimized into a jump, which could not redirect the call. */
static void stepped(struct kprobe *probe, struct pt_regs *regs, unsigned long flags)
{
}
NOKPROBE_SYMBOL(stepped);

static struct kprobe probe = {
	.pre_handler = entered,
	.post_handler = stepped,
};

static int __init failcall_init(void)
{
	if (!function)
		return -EINVAL;
	probe.symbol_name = function;
	return register_kprobe(&probe);
}

static void __exit failcall_exit(void)
{
	unregister_kprobe(&probe);
}

module_init(failcall_init);
module_exit(failcall_exit);

MODULE_DESCRIPTION("Makes one call of a kernel function fail, for tests");
MODULE_AUTHOR("The Ironpath developers");
MODULE_LICENSE("GPL");
