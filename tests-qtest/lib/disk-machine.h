/*
 * A guest whose disks are NVMe namespaces of the paravisor's, in a qtest
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef DISK_MACHINE_H
#define DISK_MACHINE_H

#include "storvsc-client.h"

#define DISK_BYTES          (16 * MiB)
#define DISK_CHUNK          (64 * KiB)      /* of a stripe */
#define DISK_IMAGES         5
/*
 * LUN 0: 512 byte blocks; LUN 1: 4096; LUN 2: striped over two; all these are
 * hv-disk.  LUN 3: a scsi-hd
 */
#define DISK_LUNS           4
#define DISK_PAGE_SECTORS (HV_PAGE_SIZE / STORVSC_BLOCK_BYTES)

typedef struct DiskMachine {
    HvGuest *g;
    VmbusClient *c;
    Storvsc *s;
    char *image[DISK_IMAGES];   /* of LUN 0, 1, 2 and 2, 3 */
} DiskMachine;

/* @filter: what makes node d0, LUN 0's, of the file in node f0; or NULL */
void disk_machine_start(DiskMachine *m, const char *filter);
void disk_machine_stop(DiskMachine *m);
/* Connect to VMBus and to the controller, as after a reset */
void disk_machine_connect(DiskMachine *m);

/* What query-paravisor tells of the namespace with block node @node */
int64_t disk_counter(DiskMachine *m, const char *node, const char *key);
/* What it tells of the function in slot @slot; to be freed; NULL if none */
char *disk_driver_info(DiskMachine *m, unsigned slot, const char *key);

/* Bytes of a block of LUN @lun */
uint32_t disk_block_bytes(uint8_t lun);
/* A command of 10 bytes; all but the opcode is 0 */
StorvscRequest disk_command(uint8_t lun, uint8_t opcode, uint64_t gpa,
                            uint32_t bytes, uint8_t data_in);
/* @pages of data at page @at of the disk, whatever its block size */
StorvscRequest disk_request(bool is_write, uint8_t lun, uint32_t at,
                            unsigned pages, uint64_t gpa);
/* Done, and good */
void disk_run(DiskMachine *m, bool is_write, uint8_t lun, uint32_t at,
              unsigned pages, uint64_t gpa);

#endif /* DISK_MACHINE_H */
