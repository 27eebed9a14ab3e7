/* SPDX-License-Identifier: GPL-2.0 */
/* Static inlines and macros of C headers, as functions that Rust can call. */

#ifndef IRONPATH_HELPERS_H
#define IRONPATH_HELPERS_H

#include <linux/completion.h>
#include <linux/pci.h>
#include <scsi/scsi_cmnd.h>
#include <scsi/scsi_device.h>
#include <scsi/scsi_host.h>

unsigned long storage_wait_for_completion_timeout(struct completion *done, unsigned long jiffies);
void storage_dma_rmb(void);
bool storage_is_capture_kernel(void);

#endif
