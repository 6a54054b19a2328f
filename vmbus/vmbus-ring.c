/*
 * VMBus: a channel's rings in guest memory
 *
 * Host and guest run at the same time.  Each side owns one index of each ring
 * and the words by which it asks to be signalled:
 *
 *   producer                             consumer
 *   ~~~~~~~~                             ~~~~~~~~
 *   write pending_send_bytes             read write_index
 *   smp_mb                        [A]    smp_rmb                      [C]
 *   read read_index                      read packets
 *   smp_mb (control dependency)          smp_mb                       [C']
 *   write packets                        write read_index
 *   smp_wmb                       [B]    smp_mb                       [D]
 *   write write_index                    read pending_send_bytes
 *   smp_mb                        [B']
 *   read interrupt_mask, read_index      write interrupt_mask = 0
 *                                        smp_mb                       [D']
 *                                        read write_index
 *
 * [A] pairs with [D]: either the producer sees the new room, or the consumer
 * sees that it is waited for.  [B] pairs with [C]: who sees the index sees the
 * packets.  [B'] pairs with [D']: either the consumer sees the packet, or the
 * producer sees that it wants to be signalled.  [C'] keeps the packets in place
 * until they are read.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/atomic.h"
#include "vmbus-ring.h"

static void hvbus_ring_map_free(HvbusRingMap *map)
{
    uint32_t i;

    for (i = 0; i < map->run_count; i++) {
        address_space_cache_destroy(&map->runs[i]);
    }
    g_free(map->runs);
    g_free(map->page_host);
    g_free(map->page_run);
    g_free(map->run_first_page);
    g_free(map);
}

/* Map as many pages from @page on as lie together; 0 if not even one is RAM */
static uint32_t hvbus_ring_map_run(HvbusRingMap *map, AddressSpace *as,
                                   const HvbusGpadl *g, uint32_t page)
{
    MemoryRegionCache *run = &map->runs[map->run_count];
    uint32_t pages = 1;
    uint32_t i;
    int64_t bytes;

    while (page + pages < g->page_count &&
           g->pfns[page + pages] == g->pfns[page] + pages) {
        pages++;
    }
    bytes = address_space_cache_init(run, as, g->pfns[page] << HV_PAGE_SHIFT,
                                     (hwaddr)pages << HV_PAGE_SHIFT, true);
    if (bytes < HV_PAGE_SIZE || !run->ptr) {
        address_space_cache_destroy(run);
        return 0;
    }
    pages = MIN(pages, bytes >> HV_PAGE_SHIFT);
    map->run_first_page[map->run_count] = page;
    for (i = 0; i < pages; i++) {
        map->page_host[page + i] = (uint8_t *)run->ptr + i * HV_PAGE_SIZE;
        map->page_run[page + i] = map->run_count;
    }
    map->run_count++;
    return pages;
}

HvbusRingMap *hvbus_ring_map(AddressSpace *as, const HvbusGpadl *g)
{
    HvbusRingMap *map = g_new0(HvbusRingMap, 1);
    uint32_t page, pages;

    map->page_count = g->page_count;
    map->runs = g_new0(MemoryRegionCache, g->page_count);
    map->page_host = g_new0(uint8_t *, g->page_count);
    map->page_run = g_new0(uint32_t, g->page_count);
    map->run_first_page = g_new0(uint32_t, g->page_count);

    RCU_READ_LOCK_GUARD();
    for (page = 0; page < g->page_count; page += pages) {
        pages = hvbus_ring_map_run(map, as, g, page);
        if (!pages) {
            hvbus_ring_map_free(map);
            return NULL;
        }
    }
    return map;
}

void hvbus_ring_unmap(HvbusRingMap *map)
{
    if (map) {
        call_rcu(map, hvbus_ring_map_free, rcu);
    }
}

void hvbus_ring_init(HvbusRing *r, HvbusRingMap *map, uint32_t first_page,
                     uint32_t page_count)
{
    memset(r, 0, sizeof(*r));
    r->map = map;
    r->first_page = first_page;
    r->data_bytes = (page_count - 1) * HV_PAGE_SIZE;
}

/* The guest's memory was written: for migration and translated code */
static void hvbus_ring_dirty(HvbusRing *r, uint32_t page, uint32_t in_page,
                             uint32_t bytes)
{
    uint32_t run = r->map->page_run[page];
    hwaddr start = (hwaddr)(page - r->map->run_first_page[run]) * HV_PAGE_SIZE;

    address_space_cache_invalidate(&r->map->runs[run], start + in_page, bytes);
}

/* A word of the header; @offset in the page */
static uint32_t hvbus_ring_load(HvbusRing *r, uint32_t offset)
{
    uint32_t *word = (uint32_t *)(r->map->page_host[r->first_page] + offset);

    return le32_to_cpu(qatomic_read(word));
}

static void hvbus_ring_store(HvbusRing *r, uint32_t offset, uint32_t val)
{
    uint32_t *word = (uint32_t *)(r->map->page_host[r->first_page] + offset);

    qatomic_set(word, cpu_to_le32(val));
    hvbus_ring_dirty(r, r->first_page, offset, sizeof(*word));
}

#define RING_LOAD(r, field) \
    hvbus_ring_load(r, offsetof(HvbusRingHeaderWire, field))
#define RING_STORE(r, field, val) \
    hvbus_ring_store(r, offsetof(HvbusRingHeaderWire, field), val)

bool hvbus_ring_is_empty(const HvbusRing *r)
{
    HvbusRingHeaderWire wire;

    hvbus_ring_header(r, &wire);
    return wire.read_index == wire.write_index;
}

void hvbus_ring_header(const HvbusRing *r, HvbusRingHeaderWire *wire)
{
    memcpy(wire, r->map->page_host[r->first_page], sizeof(*wire));
}

/* Copy between @buf and the data at @idx, page by page, with wrap-around */
static void hvbus_ring_copy(HvbusRing *r, uint32_t idx, uint8_t *buf,
                            uint32_t bytes, bool to_guest)
{
    while (bytes) {
        uint32_t page = r->first_page + 1 + idx / HV_PAGE_SIZE;
        uint32_t in_page = idx % HV_PAGE_SIZE;
        uint32_t n = MIN(bytes, HV_PAGE_SIZE - in_page);
        uint8_t *host = r->map->page_host[page] + in_page;

        if (to_guest) {
            memcpy(host, buf, n);
            hvbus_ring_dirty(r, page, in_page, n);
        } else {
            memcpy(buf, host, n);
        }
        idx = hvbus_ring_advance(idx, n, r->data_bytes);
        buf += n;
        bytes -= n;
    }
}

static bool hvbus_ring_start(HvbusRing *r, uint32_t ours, uint32_t peer)
{
    if (!hvbus_ring_idx_is_ok(ours, r->data_bytes) ||
        !hvbus_ring_idx_is_ok(peer, r->data_bytes)) {
        return false;
    }
    r->idx = ours;
    r->shown_idx = ours;
    r->peer_idx = peer;
    RING_STORE(r, feature_bits,
               RING_LOAD(r, feature_bits) | HVBUS_RING_FEATURE_PENDING_SEND);
    return true;
}

bool hvbus_ring_start_in(HvbusRing *r)
{
    return hvbus_ring_start(r, RING_LOAD(r, read_index),
                            RING_LOAD(r, write_index));
}

bool hvbus_ring_start_out(HvbusRing *r)
{
    return hvbus_ring_start(r, RING_LOAD(r, write_index),
                            RING_LOAD(r, read_index));
}

void hvbus_ring_set_mask(HvbusRing *r, bool masked)
{
    RING_STORE(r, interrupt_mask, masked);
}

int64_t hvbus_ring_fill(HvbusRing *r)
{
    uint32_t write_idx = RING_LOAD(r, write_index);

    smp_rmb();                          /* [C] index before packets */
    if (!hvbus_ring_idx_is_ok(write_idx, r->data_bytes)) {
        return -1;
    }
    r->peer_idx = write_idx;
    return hvbus_ring_used(r->idx, write_idx, r->data_bytes);
}

void hvbus_ring_peek(HvbusRing *r, uint32_t offset, void *buf, uint32_t bytes)
{
    hvbus_ring_copy(r, hvbus_ring_advance(r->idx, offset, r->data_bytes),
                    buf, bytes, false);
}

void hvbus_ring_consume(HvbusRing *r, uint32_t bytes)
{
    r->idx = hvbus_ring_advance(r->idx, bytes, r->data_bytes);
}

bool hvbus_ring_show_read(HvbusRing *r)
{
    uint32_t old_idx = r->shown_idx;
    uint32_t pending, write_idx;

    if (r->idx == old_idx) {
        return false;
    }
    smp_mb();                           /* [C'] packets before index */
    RING_STORE(r, read_index, r->idx);
    r->shown_idx = r->idx;
    smp_mb();                           /* [D] index before the request */
    pending = RING_LOAD(r, pending_send_bytes);
    if (!pending) {
        return false;
    }
    /* a guest that waits writes no more, so this index is the last one */
    write_idx = RING_LOAD(r, write_index);
    if (!hvbus_ring_idx_is_ok(write_idx, r->data_bytes)) {
        return false;
    }
    return hvbus_ring_room_wants_signal(
        pending, hvbus_ring_room(old_idx, write_idx, r->data_bytes),
        hvbus_ring_room(r->idx, write_idx, r->data_bytes));
}

int64_t hvbus_ring_unmask(HvbusRing *r)
{
    hvbus_ring_set_mask(r, false);
    smp_mb();                           /* [D'] mask before index */
    return hvbus_ring_fill(r);
}

/* Room by the guest's index as it is now; -1 if that is out of range */
static int64_t hvbus_ring_room_now(HvbusRing *r)
{
    uint32_t read_idx = RING_LOAD(r, read_index);

    if (!hvbus_ring_idx_is_ok(read_idx, r->data_bytes)) {
        return -1;
    }
    r->peer_idx = read_idx;
    return hvbus_ring_room(read_idx, r->idx, r->data_bytes);
}

int hvbus_ring_reserve(HvbusRing *r, uint32_t bytes, bool ask)
{
    int64_t room = hvbus_ring_room(r->peer_idx, r->idx, r->data_bytes);

    if (room <= bytes) {
        room = hvbus_ring_room_now(r);
    }
    if (room >= 0 && room <= bytes && ask) {
        /* the guest signals when there is more room than that */
        RING_STORE(r, pending_send_bytes, bytes);
        r->asked = true;
        smp_mb();                       /* [A] request before index */
        room = hvbus_ring_room_now(r);
    }
    if (room < 0) {
        return -1;
    }
    if (room <= bytes) {
        return 0;
    }
    if (r->asked) {
        RING_STORE(r, pending_send_bytes, 0);
        r->asked = false;
    }
    return 1;
}

void hvbus_ring_put(HvbusRing *r, const void *buf, uint32_t bytes)
{
    hvbus_ring_copy(r, r->idx, (uint8_t *)buf, bytes, true);
    r->idx = hvbus_ring_advance(r->idx, bytes, r->data_bytes);
}

bool hvbus_ring_show_write(HvbusRing *r)
{
    uint32_t old = r->shown_idx;

    if (r->idx == old) {
        return false;
    }
    smp_wmb();                          /* [B] packets before index */
    RING_STORE(r, write_index, r->idx);
    r->shown_idx = r->idx;
    smp_mb();                           /* [B'] index before the mask */
    return hvbus_ring_wants_signal(RING_LOAD(r, interrupt_mask),
                                   RING_LOAD(r, read_index), old);
}
