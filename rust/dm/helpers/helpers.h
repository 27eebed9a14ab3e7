/* SPDX-License-Identifier: GPL-2.0 */
/* Static inlines and macros of C headers, as functions that Rust can call. */

#ifndef STORAGE_DM_HELPERS_H
#define STORAGE_DM_HELPERS_H

#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/device-mapper.h>
#include <linux/workqueue.h>

void storage_dm_init_delayed_work(struct delayed_work *work, work_func_t run);

sector_t storage_dm_bdev_nr_sectors(struct block_device *bdev);
unsigned int storage_dm_logical_block_size(struct block_device *bdev);
bool storage_dm_queue_dying(struct request_queue *queue);
bool storage_dm_queue_enter(struct request_queue *queue);
void storage_dm_queue_exit(struct request_queue *queue);
bool storage_dm_is_partition(struct block_device *bdev);
phys_addr_t storage_dm_page_to_phys(struct page *page);
blk_status_t storage_dm_read_first(struct block_device *bdev, void *data, unsigned int size);

/* Exported by dm-mod, declared in drivers/md/, which headers packages leave out. */
enum dm_uevent_type {
	DM_UEVENT_PATH_FAILED,
	DM_UEVENT_PATH_REINSTATED,
};
#ifdef CONFIG_DM_UEVENT
void dm_path_uevent(enum dm_uevent_type event_type, struct dm_target *ti, const char *path,
		    unsigned int nr_valid_paths);
#endif
void dm_mq_kick_requeue_list(struct mapped_device *md);

#endif
