/*
 * hv-scsi: SCSI requests between the guest's packets and QEMU's SCSI layer
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "migration/qemu-file.h"
#include "scsi/constants.h"
#include "qemu/error-report.h"
#include "storvsp-internal.h"

static StorvspRequest *storvsp_request_new(StorvspChannel *ch,
                                           const StorvspSrb *srb,
                                           uint64_t trans_id)
{
    HvbusDevice *dev = HVBUS_DEVICE(ch->s);
    StorvspRequest *r = g_new0(StorvspRequest, 1);

    r->ch = ch;
    r->srb = *srb;
    r->trans_id = trans_id;
    qemu_sglist_init(&r->sgl, DEVICE(dev), 8, hvbus_device_as(dev));
    QTAILQ_INSERT_TAIL(&ch->inflight, r, next);
    qatomic_set(&ch->inflight_count, ch->inflight_count + 1);
    return r;
}

/* Let go of @r; its SCSI request, if any, lives on without us */
static void storvsp_request_free(StorvspRequest *r)
{
    StorvspChannel *ch = r->ch;

    if (r->sreq) {
        scsi_req_unref_detach_hba(r->sreq);
    }
    QTAILQ_REMOVE(&ch->inflight, r, next);
    qatomic_set(&ch->inflight_count, ch->inflight_count - 1);
    qemu_sglist_destroy(&r->sgl);
    g_free(r);
}

static void storvsp_finish(StorvspRequest *r, uint8_t srb_status,
                           uint8_t scsi_status, uint32_t bytes,
                           const uint8_t *sense, uint32_t sense_bytes)
{
    StorvspChannel *ch = r->ch;
    StorvspPacketWire msg;

    storvsp_build_srb_reply(&msg, &r->srb, srb_status, scsi_status, bytes,
                            sense, sense_bytes);
    trace_storvsp_finish(ch->idx, r->trans_id, r->srb.lun, r->srb.cdb[0],
                         msg.srb.srb_status, scsi_status, bytes);
    if (r->wants_completion) {
        storvsp_reply(ch, r->trans_id, &msg);
    }
    storvsp_request_free(r);
    storvsp_request_over(ch);
}

static void storvsp_sgl_truncate(QEMUSGList *sgl, uint64_t bytes)
{
    while (sgl->size > bytes) {
        ScatterGatherEntry *last = &sgl->sg[sgl->nsg - 1];
        uint64_t excess = sgl->size - bytes;

        if (excess < last->len) {
            last->len -= excess;
            sgl->size -= excess;
        } else {
            sgl->size -= last->len;
            sgl->nsg--;
        }
    }
}

/*
 * Compare what the guest says it transfers with what the command does, and cut
 * the buffer to that.  Returns 0 or the SRB status to fail with.
 */
static uint8_t storvsp_check_transfer(StorvspRequest *r)
{
    SCSICommand *cmd = &r->sreq->cmd;

    if (cmd->mode == SCSI_XFER_NONE) {
        storvsp_sgl_truncate(&r->sgl, 0);
        return 0;
    }
    if (r->srb.data_in == (cmd->mode == SCSI_XFER_TO_DEV ?
                           STORVSP_DATA_READ : STORVSP_DATA_WRITE)) {
        return STORVSP_SRB_INVALID_REQUEST;
    }
    if (cmd->xfer > r->sgl.size &&
        (cmd->mode == SCSI_XFER_TO_DEV ||
         !storvsp_short_buffer_ok(r->srb.cdb))) {
        return STORVSP_SRB_DATA_OVERRUN;
    }
    storvsp_sgl_truncate(&r->sgl, cmd->xfer);
    return 0;
}

/* Nobody at the address */
static void storvsp_run_absent(StorvspRequest *r)
{
    uint8_t buf[STORVSP_ABSENT_BYTES];
    int bytes = storvsp_absent_data(&r->srb, buf);

    if (bytes < 0) {
        storvsp_finish(r, STORVSP_SRB_INVALID_LUN, GOOD, 0, NULL, 0);
        return;
    }
    bytes = MIN(bytes, r->sgl.size);
    dma_buf_read(buf, bytes, NULL, &r->sgl, MEMTXATTRS_UNSPECIFIED);
    storvsp_finish(r, STORVSP_SRB_SUCCESS, GOOD, bytes, NULL, 0);
}

static bool storvsp_is_flush(uint8_t opcode)
{
    return opcode == SYNCHRONIZE_CACHE || opcode == SYNCHRONIZE_CACHE_16;
}

static void storvsp_submit(StorvspRequest *r, SCSIDevice *d)
{
    /* QEMU's target answers REPORT LUNS at LUN 0 only */
    uint32_t lun = r->srb.cdb[0] == REPORT_LUNS ? 0 : r->srb.lun;
    SCSIRequest *sreq;
    uint8_t srb_status;

    sreq = scsi_req_new(d, r->trans_id, lun, r->srb.cdb, r->srb.cdb_bytes, r);
    r->sreq = sreq;
    srb_status = storvsp_check_transfer(r);
    if (srb_status) {
        storvsp_guest_error(r->ch, "command 0x%02x of %zu bytes has %zu",
                            r->srb.cdb[0], sreq->cmd.xfer, r->sgl.size);
        storvsp_finish(r, srb_status, GOOD, 0, NULL, 0);
        return;
    }
    /* @r may be gone once the request is queued */
    scsi_req_ref(sreq);
    if (scsi_req_enqueue(sreq)) {
        scsi_req_continue(sreq);
    }
    scsi_req_unref(sreq);
}

void storvsp_run_srb(StorvspChannel *ch, const StorvspSrb *srb,
                     const HvbusPacket *pkt)
{
    HvScsi *s = ch->s;
    StorvspRequest *r = storvsp_request_new(ch, srb, pkt->trans_id);
    SCSIDevice *d;

    r->wants_completion = pkt->wants_completion;
    trace_storvsp_start(ch->idx, r->trans_id, srb->path, srb->target, srb->lun,
                        srb->cdb[0], srb->data_in, srb->data_bytes);
    if (pkt->type == HVBUS_PKT_GPA_DIRECT &&
        (!hvbus_packet_sgl(pkt, &r->sgl, s->max_transfer_bytes) ||
         r->sgl.nsg > STORVSP_MAX_SGES)) {
        storvsp_guest_error(ch, "bad or too long list of pages");
        storvsp_finish(r, STORVSP_SRB_INVALID_REQUEST, GOOD, 0, NULL, 0);
        return;
    }
    storvsp_sgl_truncate(&r->sgl, srb->data_bytes);

    d = scsi_device_get(&s->bus, srb->path, srb->target, srb->lun);
    if (!d || (d->lun != srb->lun && srb->cdb[0] != REPORT_LUNS) ||
        (qatomic_read(&s->is_unplugging) &&
         !storvsp_is_flush(srb->cdb[0]))) {
        storvsp_run_absent(r);
    } else {
        storvsp_submit(r, d);
    }
    object_unref(d);
}

void storvsp_cancel_all(StorvspChannel *ch)
{
    g_autoptr(GPtrArray) sreqs = g_ptr_array_new();
    StorvspRequest *r;

    /* cancelling may free requests, not only the one at hand */
    QTAILQ_FOREACH(r, &ch->inflight, next) {
        if (r->sreq) {
            g_ptr_array_add(sreqs, scsi_req_ref(r->sreq));
        }
    }
    for (guint i = 0; i < sreqs->len; i++) {
        SCSIRequest *sreq = g_ptr_array_index(sreqs, i);

        if (sreq->hba_private && !sreq->io_canceled) {
            scsi_req_cancel_async(sreq, NULL);
        }
        scsi_req_unref(sreq);
    }
}

/*
 * The guest takes the failure of @r for success: leave it nothing old to read.
 * Returns the bytes it is told.
 */
static uint32_t storvsp_clear_hidden(StorvspRequest *r)
{
    uint8_t buf[STORVSP_ABSENT_BYTES] = { 0x7f };
    uint32_t bytes = 0;
    bool absent;
    int i;

    if (!storvsp_failure_is_hidden(r->srb.cdb, &absent) ||
        !qatomic_read(&r->ch->is_open)) {
        return 0;
    }
    for (i = 0; i < r->sgl.nsg; i++) {
        dma_memory_set(r->sgl.as, r->sgl.sg[i].base, 0, r->sgl.sg[i].len,
                       MEMTXATTRS_UNSPECIFIED);
    }
    if (absent) {
        bytes = MIN(sizeof(buf), r->sgl.size);
        dma_buf_read(buf, bytes, NULL, &r->sgl, MEMTXATTRS_UNSPECIFIED);
    }
    return bytes;
}

static void storvsp_scsi_complete(SCSIRequest *sreq, size_t residual)
{
    StorvspRequest *r = sreq->hba_private;
    uint8_t sense[SCSI_SENSE_BUF_SIZE];
    uint8_t srb_status = storvsp_srb_status(sreq->status);
    int sense_bytes = 0;
    uint32_t bytes;

    if (!r) {
        return;
    }
    if (srb_status == STORVSP_SRB_SUCCESS) {
        /*
         * When a request that stopped the VM is retried, QEMU subtracts its
         * length once more and the residual wraps: nothing was left then.
         */
        if (residual > sreq->cmd.xfer) {
            residual = 0;
        }
        bytes = r->sgl.size - MIN(residual, r->sgl.size);
    } else {
        bytes = storvsp_clear_hidden(r);
        if (r->srb.sense_bytes) {
            sense_bytes = scsi_req_get_sense(sreq, sense, sizeof(sense));
        }
    }
    storvsp_finish(r, srb_status, sreq->status, bytes, sense, sense_bytes);
}

/* The host could not carry out the command */
static void storvsp_scsi_fail(SCSIRequest *sreq)
{
    StorvspRequest *r = sreq->hba_private;
    uint8_t buf[SCSI_SENSE_BUF_SIZE];
    SCSISense sense = SENSE_CODE(IO_ERROR);
    int sense_bytes = 0;
    int status;

    if (!r) {
        return;
    }
    status = scsi_sense_from_host_status(sreq->host_status, &sense);
    if (status == GOOD || status == CHECK_CONDITION) {
        /* sense in any case: without it Linux 6.1 may see success */
        status = CHECK_CONDITION;
        sense_bytes = scsi_build_sense_buf(buf, sizeof(buf), sense, true);
    }
    storvsp_finish(r, storvsp_srb_status(status), status,
                   storvsp_clear_hidden(r), buf, sense_bytes);
}

static void storvsp_scsi_cancel(SCSIRequest *sreq)
{
    StorvspRequest *r = sreq->hba_private;

    if (r) {
        storvsp_finish(r, STORVSP_SRB_ABORTED, GOOD, storvsp_clear_hidden(r),
                       NULL, 0);
    }
}

/* For pass-through devices: what the guest says about the transfer counts */
static int storvsp_scsi_parse_cdb(SCSIDevice *dev, SCSICommand *cmd,
                                  uint8_t *buf, size_t buf_len,
                                  void *hba_private)
{
    StorvspRequest *r = hba_private;

    if (cmd->len == 0) {
        /* an opcode whose length QEMU does not know */
        cmd->len = MIN(buf_len, SCSI_CMD_BUF_SIZE);
        memcpy(cmd->buf, buf, cmd->len);
    }
    if (!r) {
        return 0;
    }
    cmd->xfer = r->sgl.size;
    if (!cmd->xfer) {
        cmd->mode = SCSI_XFER_NONE;
    } else if (r->srb.data_in == STORVSP_DATA_READ) {
        cmd->mode = SCSI_XFER_FROM_DEV;
    } else if (r->srb.data_in == STORVSP_DATA_WRITE) {
        cmd->mode = SCSI_XFER_TO_DEV;
    }
    return 0;
}

static QEMUSGList *storvsp_scsi_get_sg_list(SCSIRequest *sreq)
{
    StorvspRequest *r = sreq->hba_private;

    return r ? &r->sgl : NULL;
}

static void storvsp_scsi_change(SCSIBus *bus, SCSIDevice *dev, SCSISense sense)
{
    /* a scan makes Linux read the capacity; it polls CD drives by itself */
    if (dev->type != TYPE_ROM) {
        storvsp_rescan(container_of(bus, HvScsi, bus));
    }
}

static void storvsp_scsi_save_request(QEMUFile *f, SCSIRequest *sreq)
{
    StorvspRequest *r = sreq->hba_private;
    int i;

    qemu_put_be16(f, r->ch->idx);
    qemu_put_be64(f, r->trans_id);
    qemu_put_byte(f, r->wants_completion);
    qemu_put_buffer(f, (const uint8_t *)&r->srb.wire, sizeof(r->srb.wire));
    qemu_put_be32(f, r->sgl.nsg);
    for (i = 0; i < r->sgl.nsg; i++) {
        qemu_put_be64(f, r->sgl.sg[i].base);
        qemu_put_be64(f, r->sgl.sg[i].len);
    }
}

static bool storvsp_load_sgl(QEMUFile *f, QEMUSGList *sgl, uint64_t max_bytes)
{
    uint32_t count = qemu_get_be32(f);

    if (count > STORVSP_MAX_SGES) {
        return false;
    }
    while (count--) {
        uint64_t base = qemu_get_be64(f);
        uint64_t len = qemu_get_be64(f);

        if (!len || len > max_bytes - sgl->size || base > UINT64_MAX - len) {
            return false;
        }
        qemu_sglist_add(sgl, base, len);
    }
    return true;
}

static void *storvsp_scsi_load_request(QEMUFile *f, SCSIRequest *sreq)
{
    HvScsi *s = container_of(sreq->bus, HvScsi, bus);
    StorvspChannel *ch = NULL;
    StorvspRequest *r = NULL;
    StorvspSrbWire wire;
    StorvspSrb srb;
    uint64_t trans_id;
    bool wants_completion;
    uint16_t idx = qemu_get_be16(f);

    trans_id = qemu_get_be64(f);
    wants_completion = qemu_get_byte(f);
    qemu_get_buffer(f, (uint8_t *)&wire, sizeof(wire));
    if (idx < s->num_queues) {
        ch = &s->chans[idx];
    }
    if (!ch || !ch->is_open || !storvsp_parse_srb(&wire, &srb) ||
        ch->inflight_count >= STORVSP_MAX_OUTSTANDING) {
        goto bad;
    }
    r = storvsp_request_new(ch, &srb, trans_id);
    r->wants_completion = wants_completion;
    r->sreq = scsi_req_ref(sreq);
    if (!storvsp_load_sgl(f, &r->sgl, s->max_transfer_bytes) ||
        storvsp_check_transfer(r)) {
        goto bad;
    }
    sreq->ctx = ch->ctx;
    return r;

bad:
    error_report("hv-scsi: bad request in the migration stream");
    if (r) {
        storvsp_request_free(r);
    }
    /* The load fails; the request must not run, should the VM do so */
    sreq->retry = false;
    qemu_file_set_error(f, -EINVAL);
    return NULL;
}

const SCSIBusInfo storvsp_scsi_info = {
    .tcq = true,
    .max_channel = STORVSP_MAX_PATH,
    .max_target = STORVSP_MAX_TARGET,
    .max_lun = STORVSP_MAX_LUN,

    .parse_cdb = storvsp_scsi_parse_cdb,
    .complete = storvsp_scsi_complete,
    .fail = storvsp_scsi_fail,
    .cancel = storvsp_scsi_cancel,
    .change = storvsp_scsi_change,
    .get_sg_list = storvsp_scsi_get_sg_list,
    .save_request = storvsp_scsi_save_request,
    .load_request = storvsp_scsi_load_request,
    .drained_begin = storvsp_drained_begin,
    .drained_end = storvsp_drained_end,
};
