/*
 * A MANA adapter for unit tests of its driver: what several tests do, and the owner
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "mana-model.h"

void model_frame_free(gpointer frame)
{
    ModelFrame *f = frame;

    g_free(f->data);
    g_free(f);
}

uint32_t model_packet(uint8_t *f, uint8_t proto, uint32_t payload, bool vlan)
{
    uint32_t l4_bytes = proto == 6 ? 20 : 8, p = 14;

    memset(f, 0, 128);
    f[0] = 2;
    f[6] = 2;
    if (vlan) {
        stw_be_p(f + 12, 0x8100);
        stw_be_p(f + 14, 5);
        p = 18;
    }
    stw_be_p(f + p - 2, 0x0800);
    f[p] = 0x45;
    stw_be_p(f + p + 2, MIN(20 + l4_bytes + payload, 0xffff));
    f[p + 8] = 64;
    f[p + 9] = proto;
    stl_be_p(f + p + 12, 0x0a000001);
    stl_be_p(f + p + 16, 0x0a000002);
    p += 20;
    if (proto == 6) {
        f[p + 12] = 0x50;
    } else {
        stw_be_p(f + p + 4, 8 + payload);
    }
    p += l4_bytes;
    for (uint32_t i = 0; i < payload; i++) {
        f[p + i] = i * 7 + 1;
    }
    return p + payload;
}

ManaDrvSent model_send(Model *m, unsigned int queue, uint32_t bytes,
                       uint8_t tag)
{
    g_autofree uint8_t *frame = g_malloc(bytes);
    ManaDrvTx tx = { .bytes = bytes };

    memset(frame, tag, bytes);
    return mana_drv_send(m->d, 0, queue, frame, &tx);
}

Model *model_start(unsigned int queues)
{
    Model *m = model_new();

    g_assert_true(mana_drv_port_add(m->d, 0, queues, 1500));
    mana_drv_start(m->d);
    model_run(m);
    g_assert_cmpint(m->state, ==, MANA_DRV_RUNNING);
    g_assert_true(mana_drv_port_is_up(m->d, 0));
    return m;
}

void model_expect_traffic(Model *m)
{
    uint8_t frame[200];
    unsigned int sent = m->sent->len, got = m->got->len;
    uint32_t bytes = model_packet(frame, 6, 100, false);

    g_assert_cmpint(model_send(m, 0, 60, 0x42), ==, MANA_DRV_SENT);
    mana_drv_flush(m->d);
    g_assert_true(model_receive(m, 0, 0, frame, bytes, 0));
    model_run(m);
    g_assert_cmpuint(m->sent->len, ==, sent + 1);
    g_assert_cmpuint(m->got->len, ==, got + 1);
}

uint32_t model_random(Model *m)
{
    m->seed = m->seed * 1664525 + 1013904223;
    return m->seed >> 8;
}

void model_wait(Model *m, unsigned int ms)
{
    int64_t end = m->now_ns + ms * 1000000ll;

    model_run(m);
    while (m->timer_ns <= end) {
        m->now_ns = MAX(m->now_ns, m->timer_ns);
        m->timer_ns = INT64_MAX;
        mana_drv_timer(m->d);
        model_run(m);
    }
    m->now_ns = end;
}

/* --- migration --- */

void model_own(Model *m, void *ptr, size_t bytes, bool on)
{
    size_t first = ((uint8_t *)ptr - m->memory) / VTL2_PAGE_BYTES;

    for (size_t i = 0; i < bytes / VTL2_PAGE_BYTES; i++) {
        g_assert(m->owned[first + i] != on);
        m->owned[first + i] = on;
    }
    m->used_bytes += on ? bytes : -bytes;
}

bool model_dma_claim(void *fn, uint64_t addr, size_t bytes, Vtl2Dma *dma)
{
    Model *m = fn;
    uint64_t at = addr - MODEL_MEMORY_ADDR;

    g_assert_cmpuint(bytes % VTL2_PAGE_BYTES, ==, 0);
    if (addr % VTL2_PAGE_BYTES || at >= MODEL_MEMORY_BYTES ||
        bytes > MODEL_MEMORY_BYTES - at) {
        return false;
    }
    for (size_t i = 0; i < bytes / VTL2_PAGE_BYTES; i++) {
        if (m->owned[at / VTL2_PAGE_BYTES + i]) {
            return false;
        }
    }
    *dma = (Vtl2Dma) { .ptr = m->memory + at, .addr = addr, .bytes = bytes };
    model_own(m, dma->ptr, bytes, true);
    return true;
}

ManaDrvSaved *model_save(Model *m)
{
    g_autofree ManaDrvSaved *s = g_new0(ManaDrvSaved, 1);

    mana_drv_pause(m->d);
    return mana_drv_save(m->d, s) ? g_steal_pointer(&s) : NULL;
}

const char *model_load(Model *m, const ManaDrvSaved *s)
{
    unsigned int queues[MODEL_PORTS];
    const char *why;

    for (unsigned int i = 0; i < MODEL_PORTS; i++) {
        queues[i] = mana_drv_port_is_up(m->d, i)
                    ? mana_drv_port_queues(m->d, i) : 0;
    }
    /* the old one ends without a word to the adapter */
    mana_drv_loaded(m->d);
    mana_drv_removed(m->d);
    mana_drv_free(m->d);
    memset(m->owned, 0, sizeof(m->owned));
    m->used_bytes = 0;
    m->timer_ns = INT64_MAX;
    m->d = mana_drv_new(&model_ops, m, &model_owner_ops, m);
    for (unsigned int i = 0; i < MODEL_PORTS; i++) {
        g_assert(!queues[i] ||
                 mana_drv_port_add(m->d, i, queues[i], 1500));
    }
    why = mana_drv_load(m->d, s);
    if (why) {
        g_assert_cmpuint(m->used_bytes, ==, 0);
        g_assert_cmpuint(mana_drv_memory(m->d), ==, 0);
        g_assert_cmpint(mana_drv_state(m->d), ==, MANA_DRV_OFF);
    }
    return why;
}

void model_migrate(Model *m)
{
    g_autofree ManaDrvSaved *s = model_save(m);

    g_assert_nonnull(s);
    g_assert_null(model_load(m, s));
    g_assert_cmpuint(mana_drv_memory(m->d), ==, m->used_bytes);
    mana_drv_resume(m->d);
}

/* --- the owner --- */

static void owner_told(Model *m)
{
    if (m->on_owner) {
        m->on_owner(m);
    }
}

static void owner_state(void *owner, ManaDrvState state, const char *why)
{
    ((Model *)owner)->state = state;
}

static void owner_port_changed(void *owner, unsigned int port)
{
    ((Model *)owner)->port_changes++;
    owner_told(owner);
}

static bool owner_receive(void *owner, unsigned int port, unsigned int queue,
                          const ManaDrvRx *rx)
{
    Model *m = owner;
    ModelFrame *f = g_new0(ModelFrame, 1);

    f->data = g_memdup2(rx->frame, rx->bytes);
    f->bytes = rx->bytes;
    f->port = port;
    f->is_lso = rx->csum_ok;
    /* the owner may write in front */
    memset(rx->frame - (MANA_DRV_RX_HEADROOM - 4), 0xaa,
           MANA_DRV_RX_HEADROOM - 4);
    g_ptr_array_add(m->got, f);
    m->got_queue[queue]++;
    owner_told(m);
    return !m->refuse_rx;
}

static void owner_tx_ready(void *owner, unsigned int port, unsigned int queue)
{
    ((Model *)owner)->tx_ready++;
    owner_told(owner);
}

static void owner_moved(void *owner, unsigned int port, bool to_vtl0)
{
    Model *m = owner;

    m->moved++;
    m->moved_to_vtl0 = to_vtl0;
    owner_told(m);
}

const ManaDrvOps model_owner_ops = {
    .state_changed = owner_state,
    .port_changed = owner_port_changed,
    .receive = owner_receive,
    .tx_ready = owner_tx_ready,
    .filter_moved = owner_moved,
};
