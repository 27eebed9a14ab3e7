// SPDX-License-Identifier: GPL-2.0
/*
 * Makes a write to one block address end NOT READY, INITIALIZING COMMAND REQUIRED (02h/04h/02h), as that of
 * a unit that has stopped does, which no emulated disk answers. The kernel stays as it is: this is a kprobe
 * where a low-level driver tells the mid-layer that a command has ended.
 *
 *   insmod notready.ko lba=8 times=1
 *
 * It also counts the answers to START STOP UNIT commands of error handling, by whether they are good.
 */

#include <linux/atomic.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/ptrace.h>
#include <linux/string.h>
#include <linux/unaligned.h>
#include <scsi/scsi.h>
#include <scsi/scsi_cmnd.h>

static unsigned int lba;
module_param(lba, uint, 0444);
MODULE_PARM_DESC(lba, "block address of the write");

static atomic_t left = ATOMIC_INIT(0);

static int set_times(const char *text, const struct kernel_param *param)
{
	unsigned int times;
	int error = kstrtouint(text, 0, &times);

	if (!error)
		atomic_set(&left, times);
	return error;
}

static int get_times(char *text, const struct kernel_param *param)
{
	return sprintf(text, "%d\n", atomic_read(&left));
}

static const struct kernel_param_ops times_ops = { .set = set_times, .get = get_times };
module_param_cb(times, &times_ops, NULL, 0644);
MODULE_PARM_DESC(times, "how many such writes are still to end so");

static unsigned int started;
module_param(started, uint, 0444);
MODULE_PARM_DESC(started, "START UNIT commands of error handling that succeeded");

static unsigned int refused;
module_param(refused, uint, 0444);
MODULE_PARM_DESC(refused, "START UNIT commands of error handling that failed");

static bool is_the_write(struct scsi_cmnd *cmd)
{
	switch (cmd->cmnd[0]) {
	case WRITE_10:
		return get_unaligned_be32(&cmd->cmnd[2]) == lba;
	case WRITE_16:
		return get_unaligned_be64(&cmd->cmnd[2]) == lba;
	default:
		return false;
	}
}

static int ended(struct kprobe *probe, struct pt_regs *regs)
{
	struct scsi_cmnd *cmd = (struct scsi_cmnd *)regs_get_kernel_argument(regs, 0);

	if (cmd->submitter == SUBMITTED_BY_SCSI_ERROR_HANDLER) {
		/* Error handling sends one command at a time. */
		if (cmd->cmnd[0] == START_STOP && cmd->result)
			WRITE_ONCE(refused, refused + 1);
		else if (cmd->cmnd[0] == START_STOP)
			WRITE_ONCE(started, started + 1);
	} else if (!cmd->result && is_the_write(cmd) && atomic_dec_if_positive(&left) >= 0) {
		memset(cmd->sense_buffer, 0, SCSI_SENSE_BUFFERSIZE);
		cmd->sense_buffer[0] = 0x70;
		cmd->sense_buffer[2] = NOT_READY;
		cmd->sense_buffer[7] = 10;
		cmd->sense_buffer[12] = 0x04;
		cmd->sense_buffer[13] = 0x02;
		cmd->result = SAM_STAT_CHECK_CONDITION;
	}
	return 0;
}
NOKPROBE_SYMBOL(ended);

static struct kprobe probes[] = {
	{ .symbol_name = "scsi_done", .pre_handler = ended },
	{ .symbol_name = "scsi_done_direct", .pre_handler = ended },
};

static int __init notready_init(void)
{
	int error = register_kprobe(&probes[0]);

	if (error)
		return error;
	error = register_kprobe(&probes[1]);
	if (error)
		unregister_kprobe(&probes[0]);
	return error;
}

static void __exit notready_exit(void)
{
	unregister_kprobe(&probes[1]);
	unregister_kprobe(&probes[0]);
}

module_init(notready_init);
module_exit(notready_exit);

MODULE_DESCRIPTION("Makes a write end as one of a stopped unit, for tests");
MODULE_AUTHOR("The Ironpath developers");
MODULE_LICENSE("GPL");
