/* SPDX-License-Identifier: GPL-2.0 */
/* Static inlines and macros of C headers, as functions that Rust can call. */

#ifndef IRONPATH_HELPERS_H
#define IRONPATH_HELPERS_H

#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/completion.h>
#include <linux/device-mapper.h>
#include <linux/pci.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <scsi/scsi_cmnd.h>
#include <scsi/scsi_device.h>
#include <scsi/scsi_host.h>

unsigned long storage_wait_for_completion_timeout(struct completion *done, unsigned long jiffies);
void storage_dma_rmb(void);
bool storage_is_capture_kernel(void);
void storage_scsi_done_at_timeout(struct scsi_cmnd *cmd);

/* spinlock.c */
unsigned long storage_spin_lock_irq(spinlock_t *lock);
bool storage_spin_trylock_irq(spinlock_t *lock, unsigned long *flags);
void storage_spin_unlock_irq(spinlock_t *lock, unsigned long flags);

struct workqueue_struct *storage_alloc_workqueue(const char *name, bool reclaim);
struct workqueue_struct *storage_alloc_ordered_workqueue(const char *name);
void storage_init_delayed_work(struct delayed_work *work, work_func_t run);

sector_t storage_bdev_nr_sectors(struct block_device *bdev);
unsigned int storage_logical_block_size(struct block_device *bdev);
bool storage_queue_dying(struct request_queue *queue);
bool storage_queue_enter(struct request_queue *queue);
void storage_queue_exit(struct request_queue *queue);
bool storage_is_partition(struct block_device *bdev);
phys_addr_t storage_page_to_phys(struct page *page);
blk_status_t storage_read_first(struct block_device *bdev, void *data, unsigned int size);
int storage_cpu_to_node(int cpu);

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
