// SPDX-License-Identifier: GPL-2.0
/* Static inlines and macros of C headers, as functions that Rust can call. No logic. */

#include <linux/blk-mq.h>
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

void storage_init_delayed_work(struct delayed_work *work, work_func_t run)
{
	INIT_DELAYED_WORK(work, run);
}
EXPORT_SYMBOL_GPL(storage_init_delayed_work);

sector_t storage_bdev_nr_sectors(struct block_device *bdev)
{
	return bdev_nr_sectors(bdev);
}
EXPORT_SYMBOL_GPL(storage_bdev_nr_sectors);

unsigned int storage_logical_block_size(struct block_device *bdev)
{
	return bdev_logical_block_size(bdev);
}
EXPORT_SYMBOL_GPL(storage_logical_block_size);

bool storage_queue_dying(struct request_queue *queue)
{
	return blk_queue_dying(queue);
}
EXPORT_SYMBOL_GPL(storage_queue_dying);

bool storage_queue_enter(struct request_queue *queue)
{
	return percpu_ref_tryget(&queue->q_usage_counter);
}
EXPORT_SYMBOL_GPL(storage_queue_enter);

void storage_queue_exit(struct request_queue *queue)
{
	percpu_ref_put(&queue->q_usage_counter);
}
EXPORT_SYMBOL_GPL(storage_queue_exit);

bool storage_is_partition(struct block_device *bdev)
{
	return bdev_is_partition(bdev);
}
EXPORT_SYMBOL_GPL(storage_is_partition);

phys_addr_t storage_page_to_phys(struct page *page)
{
	return page_to_phys(page);
}
EXPORT_SYMBOL_GPL(storage_page_to_phys);

blk_status_t storage_read_first(struct block_device *bdev, void *data, unsigned int size)
{
	return errno_to_blk_status(bdev_rw_virt(bdev, 0, data, size, REQ_OP_READ));
}
EXPORT_SYMBOL_GPL(storage_read_first);

int storage_cpu_to_node(int cpu)
{
	return cpu_to_node(cpu);
}
EXPORT_SYMBOL_GPL(storage_cpu_to_node);
