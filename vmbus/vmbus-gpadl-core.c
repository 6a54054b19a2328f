/*
 * VMBus: lists of guest pages (GPADL), assembled from messages
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "vmbus-gpadl-core.h"

static uint64_t hvbus_gpadl_key(uint32_t relid, uint32_t id)
{
    return (uint64_t)relid << 32 | id;
}

void hvbus_gpadl_table_init(HvbusGpadlTable *t, void *opaque)
{
    t->all = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    t->partial = g_hash_table_new(NULL, NULL);
    t->total_pages = 0;
    t->opaque = opaque;
}

void hvbus_gpadl_table_destroy(HvbusGpadlTable *t)
{
    hvbus_gpadl_remove_all(t);
    g_clear_pointer(&t->all, g_hash_table_destroy);
    g_clear_pointer(&t->partial, g_hash_table_destroy);
}

static void hvbus_gpadl_free(HvbusGpadl *g)
{
    g_free(g->pfns);
    g_free(g);
}

/* Pages that @byte_count bytes at @byte_offset touch; 0 for a malformed range */
static uint64_t hvbus_gpadl_pages_of(uint32_t byte_count, uint32_t byte_offset)
{
    if (!byte_count || byte_offset >= HV_PAGE_SIZE) {
        return 0;
    }
    return DIV_ROUND_UP((uint64_t)byte_offset + byte_count, HV_PAGE_SIZE);
}

static HvbusGpadl *hvbus_gpadl_new(HvbusGpadlTable *t, uint32_t relid,
                                   uint32_t id, uint32_t byte_count,
                                   uint32_t byte_offset, uint32_t page_count)
{
    HvbusGpadl *g;
    uint64_t key = hvbus_gpadl_key(relid, id);

    if (!page_count || page_count > HVBUS_GPADL_MAX_PAGES ||
        hvbus_gpadl_pages_of(byte_count, byte_offset) != page_count) {
        return NULL;
    }
    if (g_hash_table_contains(t->all, &key) ||
        g_hash_table_contains(t->partial, GUINT_TO_POINTER(id)) ||
        g_hash_table_size(t->all) >= HVBUS_GPADL_MAX_COUNT ||
        t->total_pages + page_count > HVBUS_GPADL_MAX_TOTAL_PAGES) {
        return NULL;
    }

    g = g_new0(HvbusGpadl, 1);
    g->table = t;
    g->relid = relid;
    g->id = id;
    g->byte_count = byte_count;
    g->byte_offset = byte_offset;
    g->page_count = page_count;
    g->pfns = g_new(uint64_t, page_count);
    t->total_pages += page_count;
    g_hash_table_insert(t->all, g_memdup2(&key, sizeof(key)), g);
    g_hash_table_insert(t->partial, GUINT_TO_POINTER(id), g);
    return g;
}

/* Add page numbers in wire order; a bad one ends @g */
static HvbusGpadlResult hvbus_gpadl_fill(HvbusGpadl *g, const uint8_t *pfns,
                                         uint32_t bytes)
{
    uint32_t n = bytes / sizeof(uint64_t);
    uint32_t i;

    if (bytes % sizeof(uint64_t) || n > g->page_count - g->pages_have) {
        hvbus_gpadl_remove(g);
        return HVBUS_GPADL_FAILED;
    }
    for (i = 0; i < n; i++) {
        uint64_t pfn = ldq_le_p(pfns + i * sizeof(uint64_t));

        if (pfn > HVBUS_PFN_MAX) {
            hvbus_gpadl_remove(g);
            return HVBUS_GPADL_FAILED;
        }
        g->pfns[g->pages_have++] = pfn;
    }
    if (!hvbus_gpadl_is_complete(g)) {
        return HVBUS_GPADL_MORE;
    }
    g_hash_table_remove(g->table->partial, GUINT_TO_POINTER(g->id));
    return HVBUS_GPADL_DONE;
}

HvbusGpadlResult hvbus_gpadl_begin(HvbusGpadlTable *t, uint32_t relid,
                                   uint32_t id, uint16_t range_bytes,
                                   uint16_t range_count,
                                   const uint8_t *ranges, uint32_t bytes)
{
    const uint32_t head = sizeof(HvbusGpaRangeWire);
    uint32_t byte_count, byte_offset;
    uint64_t pages;
    HvbusGpadl *g;

    /* guests send one range; several would need gaps inside of a buffer */
    if (range_count != 1 || bytes < head) {
        return HVBUS_GPADL_FAILED;
    }
    byte_count = ldl_le_p(ranges);
    byte_offset = ldl_le_p(ranges + 4);
    pages = hvbus_gpadl_pages_of(byte_count, byte_offset);
    if (pages > HVBUS_GPADL_MAX_PAGES ||
        range_bytes != (uint16_t)(head + pages * sizeof(uint64_t))) {
        return HVBUS_GPADL_FAILED;
    }
    g = hvbus_gpadl_new(t, relid, id, byte_count, byte_offset, pages);
    if (!g) {
        return HVBUS_GPADL_FAILED;
    }
    return hvbus_gpadl_fill(g, ranges + head, bytes - head);
}

HvbusGpadlResult hvbus_gpadl_append(HvbusGpadlTable *t, uint32_t id,
                                    const uint8_t *pfns, uint32_t bytes,
                                    uint32_t *relid)
{
    HvbusGpadl *g = g_hash_table_lookup(t->partial, GUINT_TO_POINTER(id));

    if (!g) {
        return HVBUS_GPADL_UNKNOWN;
    }
    *relid = g->relid;
    return hvbus_gpadl_fill(g, pfns, bytes);
}

HvbusGpadl *hvbus_gpadl_restore(HvbusGpadlTable *t, uint32_t relid, uint32_t id,
                                uint32_t byte_count, uint32_t byte_offset,
                                uint32_t page_count, const uint64_t *pfns,
                                uint32_t pages_have)
{
    HvbusGpadl *g;
    uint32_t i;

    if (pages_have > page_count) {
        return NULL;
    }
    g = hvbus_gpadl_new(t, relid, id, byte_count, byte_offset, page_count);
    if (!g) {
        return NULL;
    }
    for (i = 0; i < pages_have; i++) {
        if (pfns[i] > HVBUS_PFN_MAX) {
            hvbus_gpadl_remove(g);
            return NULL;
        }
        g->pfns[i] = pfns[i];
    }
    g->pages_have = pages_have;
    if (hvbus_gpadl_is_complete(g)) {
        g_hash_table_remove(t->partial, GUINT_TO_POINTER(id));
    }
    return g;
}

HvbusGpadl *hvbus_gpadl_find(HvbusGpadlTable *t, uint32_t relid, uint32_t id)
{
    uint64_t key = hvbus_gpadl_key(relid, id);

    return g_hash_table_lookup(t->all, &key);
}

void hvbus_gpadl_remove(HvbusGpadl *g)
{
    HvbusGpadlTable *t = g->table;
    uint64_t key = hvbus_gpadl_key(g->relid, g->id);

    if (!hvbus_gpadl_is_complete(g)) {
        g_hash_table_remove(t->partial, GUINT_TO_POINTER(g->id));
    }
    g_hash_table_remove(t->all, &key);
    t->total_pages -= g->page_count;
    if (g->refs) {
        g->orphaned = true;
    } else {
        hvbus_gpadl_free(g);
    }
}

static void hvbus_gpadl_remove_matching(HvbusGpadlTable *t, uint32_t relid)
{
    g_autoptr(GList) values = g_hash_table_get_values(t->all);
    GList *l;

    for (l = values; l; l = l->next) {
        HvbusGpadl *g = l->data;

        if (!relid || g->relid == relid) {
            hvbus_gpadl_remove(g);
        }
    }
}

void hvbus_gpadl_remove_relid(HvbusGpadlTable *t, uint32_t relid)
{
    if (relid) {
        hvbus_gpadl_remove_matching(t, relid);
    }
}

void hvbus_gpadl_remove_all(HvbusGpadlTable *t)
{
    hvbus_gpadl_remove_matching(t, 0);
}

void hvbus_gpadl_ref(HvbusGpadl *g)
{
    g->refs++;
}

bool hvbus_gpadl_unref(HvbusGpadl *g)
{
    if (--g->refs) {
        return false;
    }
    if (g->orphaned) {
        hvbus_gpadl_free(g);
        return false;
    }
    return g->torn_down;
}

uint64_t hvbus_gpadl_translate(const HvbusGpadl *g, uint32_t offset,
                               uint32_t *bytes)
{
    uint64_t pos = (uint64_t)g->byte_offset + offset;
    uint32_t page = pos / HV_PAGE_SIZE;
    uint32_t in_page = pos % HV_PAGE_SIZE;
    uint32_t avail = HV_PAGE_SIZE - in_page;
    uint32_t i;

    for (i = page; avail < *bytes && i + 1 < g->page_count &&
         g->pfns[i + 1] == g->pfns[i] + 1; i++) {
        avail += HV_PAGE_SIZE;
    }
    *bytes = MIN(*bytes, avail);
    return (g->pfns[page] << HV_PAGE_SHIFT) + in_page;
}
