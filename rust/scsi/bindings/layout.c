// SPDX-License-Identifier: GPL-2.0

#include "../../layout.h"
#include "bindings_helper.h"

void layout(void);
void layout(void)
{
	SIZE(request);
	AT(request, tag);

	SIZE(scsi_cmnd);
	AT(scsi_cmnd, device);
	AT(scsi_cmnd, cmd_len);
	AT(scsi_cmnd, sc_data_direction);
	AT(scsi_cmnd, cmnd);
	AT(scsi_cmnd, sdb);
	AT(scsi_cmnd, sense_buffer);
	AT(scsi_cmnd, flags);
	AT(scsi_cmnd, state);
	AT(scsi_cmnd, result);

	SIZE(scsi_device);
	AT(scsi_device, host);
	AT(scsi_device, request_queue);
	AT(scsi_device, queue_depth);
	AT(scsi_device, last_queue_full_time);
	AT(scsi_device, id);
	AT(scsi_device, channel);
	AT(scsi_device, lun);

	SIZE(Scsi_Host);
	AT(Scsi_Host, can_queue);
	AT(Scsi_Host, cmd_per_lun);
	AT(Scsi_Host, sg_tablesize);
	AT(Scsi_Host, max_sectors);
	AT(Scsi_Host, max_id);
	AT(Scsi_Host, max_lun);
	AT(Scsi_Host, max_cmd_len);
	AT(Scsi_Host, nr_hw_queues);
	AT(Scsi_Host, prot_capabilities);
	AT(Scsi_Host, host_no);
	AT(Scsi_Host, transportt);
	AT(Scsi_Host, max_channel);
	AT(Scsi_Host, shost_gendev);
	AT(Scsi_Host, shost_dev);
	AT(Scsi_Host, dma_dev);
	AT(Scsi_Host, hostdata);

	SIZE(scsi_transport_template);
	AT(scsi_transport_template, user_scan);

	SIZE(scsi_host_template);
	AT(scsi_host_template, cmd_size);
	AT(scsi_host_template, queuecommand);
	AT(scsi_host_template, eh_host_reset_handler);
	AT(scsi_host_template, shost_groups);
}
