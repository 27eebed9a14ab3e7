// SPDX-License-Identifier: GPL-2.0

//! Raw bindings of the SCSI mid-layer's headers; private to the crate.

storage::generated_bindings!("scsi");

pub(crate) use raw::*;

// SAFETY: `__BindgenBitfieldUnit<Storage>` has `Storage` as its only field, of which all zeros are a value.
unsafe impl<Storage> pin_init::Zeroable for raw::__BindgenBitfieldUnit<Storage> where
    Storage: pin_init::Zeroable
{
}

use kernel::bindings::request;

storage::same_layout! {
    request { tag: AT_request_tag } SIZE_request,
    scsi_cmnd {
        device: AT_scsi_cmnd_device,
        cmd_len: AT_scsi_cmnd_cmd_len,
        sc_data_direction: AT_scsi_cmnd_sc_data_direction,
        cmnd: AT_scsi_cmnd_cmnd,
        sdb: AT_scsi_cmnd_sdb,
        sense_buffer: AT_scsi_cmnd_sense_buffer,
        flags: AT_scsi_cmnd_flags,
        state: AT_scsi_cmnd_state,
        result: AT_scsi_cmnd_result,
    } SIZE_scsi_cmnd,
    scsi_device {
        host: AT_scsi_device_host,
        request_queue: AT_scsi_device_request_queue,
        queue_depth: AT_scsi_device_queue_depth,
        last_queue_full_time: AT_scsi_device_last_queue_full_time,
        id: AT_scsi_device_id,
        channel: AT_scsi_device_channel,
        lun: AT_scsi_device_lun,
    } SIZE_scsi_device,
    Scsi_Host {
        can_queue: AT_Scsi_Host_can_queue,
        cmd_per_lun: AT_Scsi_Host_cmd_per_lun,
        sg_tablesize: AT_Scsi_Host_sg_tablesize,
        max_sectors: AT_Scsi_Host_max_sectors,
        max_id: AT_Scsi_Host_max_id,
        max_lun: AT_Scsi_Host_max_lun,
        max_cmd_len: AT_Scsi_Host_max_cmd_len,
        nr_hw_queues: AT_Scsi_Host_nr_hw_queues,
        prot_capabilities: AT_Scsi_Host_prot_capabilities,
        host_no: AT_Scsi_Host_host_no,
        transportt: AT_Scsi_Host_transportt,
        max_channel: AT_Scsi_Host_max_channel,
        shost_gendev: AT_Scsi_Host_shost_gendev,
        shost_dev: AT_Scsi_Host_shost_dev,
        dma_dev: AT_Scsi_Host_dma_dev,
        hostdata: AT_Scsi_Host_hostdata,
    } SIZE_Scsi_Host,
    scsi_transport_template {
        user_scan: AT_scsi_transport_template_user_scan,
    } SIZE_scsi_transport_template,
    scsi_host_template {
        cmd_size: AT_scsi_host_template_cmd_size,
        queuecommand: AT_scsi_host_template_queuecommand,
        eh_host_reset_handler: AT_scsi_host_template_eh_host_reset_handler,
        shost_groups: AT_scsi_host_template_shost_groups,
    } SIZE_scsi_host_template,
}
