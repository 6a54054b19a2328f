/*
 * Copying between guest memory and host structs: once, with a result
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HV_GUEST_ACCESS_H
#define HV_GUEST_ACCESS_H

#include "qemu/rcu.h"
#include "exec/memory.h"

/*
 * "memory": an access that would reach a device instead of RAM fails, so that a
 * guest cannot aim our copies at a device's registers (DMA re-entrancy).
 */
#define GUEST_ACCESS_ATTRS ((MemTxAttrs) { .memory = 1 })

/* Copy @bytes from @gpa; false if any part is not memory.  any */
static inline bool G_GNUC_WARN_UNUSED_RESULT
guest_read(AddressSpace *as, hwaddr gpa, void *buf, hwaddr bytes)
{
    return address_space_read(as, gpa, GUEST_ACCESS_ATTRS, buf, bytes)
        == MEMTX_OK;
}

/* Copy @bytes to @gpa; false if any part is not memory.  any */
static inline bool G_GNUC_WARN_UNUSED_RESULT
guest_write(AddressSpace *as, hwaddr gpa, const void *buf, hwaddr bytes)
{
    return address_space_write(as, gpa, GUEST_ACCESS_ATTRS, buf, bytes)
        == MEMTX_OK;
}

/*
 * True if all of [@gpa, @gpa + @bytes) is memory.  For transfers that others
 * make for us: QEMU's DMA helpers do not have GUEST_ACCESS_ATTRS.  any
 */
static inline bool guest_is_memory(AddressSpace *as, hwaddr gpa, hwaddr bytes)
{
    RCU_READ_LOCK_GUARD();
    while (bytes) {
        hwaddr offset, part = bytes;
        MemoryRegion *mr = address_space_translate(as, gpa, &offset, &part,
                                                   true, GUEST_ACCESS_ATTRS);

        if (!memory_region_is_ram(mr)) {
            return false;
        }
        gpa += part;
        bytes -= part;
    }
    return true;
}

#endif /* HV_GUEST_ACCESS_H */
