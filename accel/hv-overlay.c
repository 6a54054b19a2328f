/*
 * Hyper-V partition: overlay pages (TLFS 5.2.1)
 *
 * All pages of a partition lie in one RAM block, so that they migrate with the
 * RAM; an alias of one page is laid over guest memory where the guest wants it.
 * Laying it is a memory transaction: vCPUs drop their TLBs before they run their
 * next translation block, the caller's own included.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "hw/core/cpu.h"
#include "hv-internal.h"
#include "trace.h"

/* above RAM, PAM and SMRAM windows and PCI holes */
#define HV_OVERLAY_PRIORITY 10000

void hv_overlay_init(HvPartition *p, HvOverlay *ov, const char *name,
                     uint32_t page_idx, bool readonly)
{
    hwaddr ofs = (hwaddr)page_idx * HV_PAGE_SIZE;

    assert(page_idx < p->page_count && !ov->exists);
    memory_region_init_alias(&ov->mr, OBJECT(p), name, &p->pages, ofs,
                             HV_PAGE_SIZE);
    memory_region_set_readonly(&ov->mr, readonly);
    ov->hva = (uint8_t *)memory_region_get_ram_ptr(&p->pages) + ofs;
    ov->page_idx = page_idx;
    ov->placed = false;
    ov->exists = true;
}

void hv_overlay_fini(HvPartition *p, HvOverlay *ov)
{
    if (!ov->exists) {
        return;
    }
    assert(!ov->placed);
    memset(ov->hva, 0, HV_PAGE_SIZE);
    hv_overlay_mark_dirty(ov);
    object_unparent(OBJECT(&ov->mr));
    ov->hva = NULL;
    ov->exists = false;
}

static bool hv_gpa_ok(hwaddr gpa)
{
    return QEMU_IS_ALIGNED(gpa, HV_PAGE_SIZE) && first_cpu &&
        gpa >> X86_CPU(first_cpu)->phys_bits == 0;
}

bool hv_overlay_place(HvPartition *p, uint8_t vtl, HvOverlay *ov, hwaddr gpa)
{
    MemoryRegion *root = hv_partition_as(p, vtl)->root;

    if (!hv_gpa_ok(gpa)) {
        return false;
    }
    if (ov->placed && ov->gpa == gpa) {
        return true;
    }
    trace_hv_overlay_place(memory_region_name(&ov->mr), vtl, ov->page_idx, gpa);
    memory_region_transaction_begin();
    if (ov->placed) {
        memory_region_del_subregion(root, &ov->mr);
    }
    memory_region_add_subregion_overlap(root, gpa, &ov->mr,
                                        HV_OVERLAY_PRIORITY);
    memory_region_transaction_commit();
    ov->gpa = gpa;
    ov->placed = true;
    return true;
}

void hv_overlay_remove(HvPartition *p, uint8_t vtl, HvOverlay *ov)
{
    if (!ov->placed) {
        return;
    }
    trace_hv_overlay_remove(memory_region_name(&ov->mr), vtl, ov->page_idx,
                            ov->gpa);
    memory_region_del_subregion(hv_partition_as(p, vtl)->root, &ov->mr);
    ov->placed = false;
}

void hv_overlay_mark_dirty(HvOverlay *ov)
{
    memory_region_set_dirty(ov->mr.alias, (hwaddr)ov->page_idx * HV_PAGE_SIZE,
                            HV_PAGE_SIZE);
}
