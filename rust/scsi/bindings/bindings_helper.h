/* SPDX-License-Identifier: GPL-2.0 */
/* The C headers that the kernel crate does not bind. */

#include <linux/blk-mq.h>
#include <linux/transport_class.h>
#include <scsi/scsi.h>
#include <scsi/scsi_cmnd.h>
#include <scsi/scsi_dbg.h>
#include <scsi/scsi_device.h>
#include <scsi/scsi_eh.h>
#include <scsi/scsi_host.h>
#include <scsi/scsi_tcq.h>
#include <scsi/scsi_transport.h>

#include "../helpers/helpers.h"
