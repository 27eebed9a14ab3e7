/* SPDX-License-Identifier: GPL-2.0 */
/* Static inlines and macros of C headers, as functions that Rust can call. */

#ifndef STORAGE_SCSI_HELPERS_H
#define STORAGE_SCSI_HELPERS_H

#include <scsi/scsi_cmnd.h>

void storage_scsi_done_at_timeout(struct scsi_cmnd *cmd);

#endif
