/* SPDX-License-Identifier: GPL-2.0 */
/* The C headers that the kernel crate does not bind. */

#include <linux/bio-integrity.h>
#include <linux/blk-mq.h>
#include <linux/device-mapper.h>
#include <linux/dm-ioctl.h>
#include <scsi/scsi_device.h>
#include <scsi/scsi_dh.h>

#include "../helpers/helpers.h"
