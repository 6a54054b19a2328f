/*
 * hv-echo: the example of docs/devel/adding-a-device.rst
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "lib/vmbus-client.h"

#define GUID_ECHO   "2b1e8a4c-6a59-4f0e-9d11-5c2f607e8301"
#define RING_PAGES  4

static const char text[] = "hello, bus!....";

static VmbusChannel *start(void)
{
    HvGuest *g = hv_guest_start("-device hv-vmbus -device hv-echo,id=e0");
    VmbusClient *c = vmbus_client_new(g, 0);

    vmbus_connect(c, HVBUS_VERSION_5_3);
    vmbus_request_offers(c);
    return vmbus_channel_open(c, vmbus_expect_offer(c, GUID_ECHO, 0, 0),
                              RING_PAGES, 0);
}

static void stop(VmbusChannel *ch)
{
    VmbusClient *c = ch->c;
    HvGuest *g = c->g;

    vmbus_channel_close(ch);
    vmbus_client_free(c);
    hv_guest_stop(g);
}

static void expect_answer(VmbusChannel *ch, uint64_t id)
{
    VmbusPacket pkt;

    g_assert(vmbus_channel_wait(ch, &pkt, HV_GUEST_TIMEOUT_US));
    g_assert_cmpuint(pkt.type, ==, HVBUS_PKT_COMPLETION);
    g_assert_cmpuint(pkt.trans_id, ==, id);
    g_assert_cmpmem(pkt.msg, pkt.msg_bytes, text, sizeof(text));
}

static void test_sends_back(void)
{
    VmbusChannel *ch = start();

    /* more than the ring holds at once */
    for (uint64_t id = 1; id < 1000; id++) {
        vmbus_channel_send(ch, HVBUS_PKT_INBAND, HVBUS_PKT_FLAG_COMPLETION, id,
                           NULL, 0, text, sizeof(text));
        expect_answer(ch, id);
    }
    stop(ch);
}

/* Nobody takes the answers: they fill one ring, then packets fill the other */
static void test_waits_for_room(void)
{
    VmbusChannel *ch = start();
    uint64_t sent = 0;

    for (int full = 0; full < 20; full++) {
        while (vmbus_channel_push(ch, HVBUS_PKT_INBAND,
                                  HVBUS_PKT_FLAG_COMPLETION, sent + 1, NULL, 0,
                                  text, sizeof(text))) {
            sent++;
        }
        vmbus_channel_signal(ch);
        hv_guest_step(ch->c->g, 0);
    }
    /* from here on the client signals as it makes room that was asked for */
    for (uint64_t id = 1; id <= sent; id++) {
        expect_answer(ch, id);
    }
    stop(ch);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("/paravisor/hv-echo/sends-back", test_sends_back);
    qtest_add_func("/paravisor/hv-echo/waits-for-room", test_waits_for_room);
    return g_test_run();
}
