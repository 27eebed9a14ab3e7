// SPDX-License-Identifier: GPL-2.0
/* Static inlines and macros of C headers, as functions that Rust can call. No logic. */

#include <linux/blk-mq.h>
#include <linux/export.h>

#include "helpers.h"

void storage_dm_init_delayed_work(struct delayed_work *work, work_func_t run)
{
	INIT_DELAYED_WORK(work, run);
}
EXPORT_SYMBOL_GPL(storage_dm_init_delayed_work);

sector_t storage_dm_bdev_nr_sectors(struct block_device *bdev)
{
	return bdev_nr_sectors(bdev);
}
EXPORT_SYMBOL_GPL(storage_dm_bdev_nr_sectors);

unsigned int storage_dm_logical_block_size(struct block_device *bdev)
{
	return bdev_logical_block_size(bdev);
}
EXPORT_SYMBOL_GPL(storage_dm_logical_block_size);

bool storage_dm_queue_dying(struct request_queue *queue)
{
	return blk_queue_dying(queue);
}
EXPORT_SYMBOL_GPL(storage_dm_queue_dying);

bool storage_dm_queue_enter(struct request_queue *queue)
{
	return percpu_ref_tryget(&queue->q_usage_counter);
}
EXPORT_SYMBOL_GPL(storage_dm_queue_enter);

void storage_dm_queue_exit(struct request_queue *queue)
{
	percpu_ref_put(&queue->q_usage_counter);
}
EXPORT_SYMBOL_GPL(storage_dm_queue_exit);

bool storage_dm_is_partition(struct block_device *bdev)
{
	return bdev_is_partition(bdev);
}
EXPORT_SYMBOL_GPL(storage_dm_is_partition);

phys_addr_t storage_dm_page_to_phys(struct page *page)
{
	return page_to_phys(page);
}
EXPORT_SYMBOL_GPL(storage_dm_page_to_phys);

blk_status_t storage_dm_read_first(struct block_device *bdev, void *data, unsigned int size)
{
	return errno_to_blk_status(bdev_rw_virt(bdev, 0, data, size, REQ_OP_READ));
}
EXPORT_SYMBOL_GPL(storage_dm_read_first);
