/* SPDX-License-Identifier: GPL-2.0 */
/* The C headers that the kernel crate does not bind. */

#include <linux/bio-integrity.h>
#include <linux/blk-mq.h>
#include <linux/device-mapper.h>
#include <linux/dm-ioctl.h>
#include <linux/dma-mapping.h>
#include <linux/interrupt.h>
#include <linux/pci.h>
#include <linux/transport_class.h>
#include <scsi/scsi.h>
#include <scsi/scsi_cmnd.h>
#include <scsi/scsi_dbg.h>
#include <scsi/scsi_device.h>
#include <scsi/scsi_dh.h>
#include <scsi/scsi_eh.h>
#include <scsi/scsi_host.h>
#include <scsi/scsi_tcq.h>
#include <scsi/scsi_transport.h>

#include "../helpers/helpers.h"
