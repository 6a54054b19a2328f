/*
 * A guest whose disks are NVMe namespaces of the paravisor's, in a qtest
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qobject/qdict.h"
#include "qobject/qlist.h"
#include "disk-machine.h"

#define DISK_ARGS \
    "-device hv-vmbus -device paravisor,id=pv -device hv-scsi,id=s0 " \
    "-device nvme,id=nvme0,bus=vtl2.0,serial=a,drive=d0 " \
    "-device nvme,id=nvme1,bus=vtl2.0,serial=b " \
    "-device nvme-ns,bus=nvme1,nsid=1,drive=d1,logical_block_size=4096," \
    "physical_block_size=4096 " \
    "-device nvme-ns,bus=nvme1,nsid=7,drive=d2 " \
    "-device nvme,id=nvme2,bus=vtl2.0,serial=c,drive=d3 " \
    "-device hv-disk,id=hd0,bus=s0.0,scsi-id=0,lun=0,nvme=nvme0,nsid=1 " \
    "-device hv-disk,id=hd1,bus=s0.0,scsi-id=0,lun=1,nvme=nvme1,nsid=1 " \
    "-device hv-disk,id=hd2,bus=s0.0,scsi-id=0,lun=2,nvme=nvme1:7+nvme2:1," \
    "stripe=64K " \
    "-device scsi-hd,id=hd3,bus=s0.0,scsi-id=0,lun=3,drive=d4 "

void disk_machine_connect(DiskMachine *m)
{
    vmbus_connect(m->c, HVBUS_VERSION_5_3);
    vmbus_request_offers(m->c);
    m->s = storvsc_start(m->c, 0, STORVSP_VERSION_6_2);
    for (int lun = 0; lun < DISK_LUNS; lun++) {
        storvsc_test_unit(m->s, lun);   /* takes the unit attention */
    }
}

void disk_machine_start(DiskMachine *m, const char *filter)
{
    g_autoptr(GString) args = g_string_new("");

    for (int i = 0; i < DISK_IMAGES; i++) {
        int fd = g_file_open_tmp("hv-disk-XXXXXX", &m->image[i], NULL);

        g_assert_cmpint(ftruncate(fd, DISK_BYTES), ==, 0);
        close(fd);
        g_string_append_printf(args, "-blockdev driver=file,node-name=%s%d,"
                               "locking=off,discard=unmap,filename=%s ",
                               i || !filter ? "d" : "f", i, m->image[i]);
    }
    g_string_append(args, filter ?: "");
    g_string_append(args, DISK_ARGS);
    m->g = hv_guest_start(args->str);
    m->c = vmbus_client_new(m->g, 0);
    disk_machine_connect(m);
}

void disk_machine_stop(DiskMachine *m)
{
    storvsc_close(m->s);
    vmbus_expect_alive(m->c);
    vmbus_client_free(m->c);
    hv_guest_stop(m->g);
    for (int i = 0; i < DISK_IMAGES; i++) {
        unlink(m->image[i]);
        g_free(m->image[i]);
    }
}

/* The element of the list @list in which @key is @val; to be unreferenced */
static QDict *find_info(DiskMachine *m, const char *list, const char *key,
                        const char *val)
{
    g_autoptr(QDict) reply = qtest_qmp(m->g->qts,
                                       "{ 'execute': 'query-paravisor' }");
    QDict *pv = qobject_to(QDict,
                           qlist_peek(qdict_get_qlist(reply, "return")));
    const QListEntry *e;

    QLIST_FOREACH_ENTRY(qdict_get_qlist(pv, list), e) {
        QDict *info = qobject_to(QDict, qlist_entry_obj(e));

        if (g_str_equal(qdict_get_str(info, key), val)) {
            return qobject_ref(info);
        }
    }
    return NULL;
}

int64_t disk_counter(DiskMachine *m, const char *node, const char *key)
{
    g_autoptr(QDict) info = find_info(m, "namespaces", "node-name", node);

    g_assert_nonnull(info);
    return qdict_get_int(info, key);
}

char *disk_driver_info(DiskMachine *m, unsigned slot, const char *key)
{
    g_autofree char *address = g_strdup_printf("%02x.0", slot);
    g_autoptr(QDict) info = find_info(m, "functions", "address", address);

    return info ? g_strdup(qdict_get_try_str(info, key)) : NULL;
}

uint32_t disk_block_bytes(uint8_t lun)
{
    return lun == 1 ? 4096 : STORVSC_BLOCK_BYTES;
}

StorvscRequest disk_command(uint8_t lun, uint8_t opcode, uint64_t gpa,
                            uint32_t bytes, uint8_t data_in)
{
    return (StorvscRequest) {
        .lun = lun,
        .data_in = bytes ? data_in : STORVSP_DATA_UNKNOWN,
        .cdb = { opcode },
        .cdb_bytes = 10,
        .data_bytes = bytes,
        .data_gpa = gpa,
    };
}

StorvscRequest disk_request(bool is_write, uint8_t lun, uint32_t at,
                            unsigned pages, uint64_t gpa)
{
    unsigned blocks = HV_PAGE_SIZE / disk_block_bytes(lun);
    StorvscRequest req = storvsc_rw(is_write, lun, at * blocks, pages * blocks,
                                    gpa);

    req.data_bytes = pages * HV_PAGE_SIZE;
    return req;
}

void disk_run(DiskMachine *m, bool is_write, uint8_t lun, uint32_t at,
              unsigned pages, uint64_t gpa)
{
    StorvscRequest req = disk_request(is_write, lun, at, pages, gpa);
    StorvspPacketWire answer = storvsc_run(m->s, &req);

    storvsc_assert_good(&answer, pages * HV_PAGE_SIZE);
}
