/*
 * What a test has on the host for a guest: shared RAM, QEMU's stderr, migration
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef GUEST_HOST_H
#define GUEST_HOST_H

#include "tests/qtest/libqtest.h"

/* RAM that the test writes as a second processor would */
typedef struct GuestRam {
    uint8_t *ptr;
    size_t bytes;
    int fd;                     /* QEMU inherits it and opens it by its number */
} GuestRam;

void guest_ram_map(GuestRam *ram, size_t bytes);
void guest_ram_unmap(GuestRam *ram);

/* Path of a new file for QEMU's stderr, which is shown if the test aborts */
char *guest_log_new(void);
/* No more of it; frees @path */
void guest_log_free(char *path);

/* Argument for the QEMU that guest_migrate() is to migrate to */
char *guest_migrate_incoming(void);
/*
 * From one QEMU to another, started with @incoming; ends @from and frees @incoming.
 * @before_switchover, unless NULL: memory was copied once, and the VM is stopped.
 */
void guest_migrate(QTestState *from, QTestState *to, char *incoming,
                   void (*before_switchover)(void *opaque), void *opaque);

#endif /* GUEST_HOST_H */
