/*
 * A MANA adapter for unit tests of its driver: what several tests do
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "mana-model.h"

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
