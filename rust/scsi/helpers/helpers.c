// SPDX-License-Identifier: GPL-2.0
/* Static inlines and macros of C headers, as functions that Rust can call. */

#include <linux/blk-mq.h>
#include <linux/export.h>

#include "helpers.h"

/*
 * scsi_done() for a command that ended while its timeout ran. It leaves out the fault injection, which discards
 * a completion so that the timeout comes: this is the timeout, and no other follows.
 */
void storage_scsi_done_at_timeout(struct scsi_cmnd *cmd)
{
	if (!test_and_set_bit(SCMD_STATE_COMPLETE, &cmd->state))
		blk_mq_complete_request(scsi_cmd_to_rq(cmd));
}
EXPORT_SYMBOL_GPL(storage_scsi_done_at_timeout);
