/*
 * hv-echo: the example of docs/devel/adding-a-device.rst
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "lib/vmbus-client.h"

#define GUID_ECHO   "2b1e8a4c-6a59-4f0e-9d11-5c2f607e8301"
#define RING_PAGES  4

static void test_sends_back(void)
{
    static const char text[] = "hello, bus!....";
    HvGuest *g = hv_guest_start("-device hv-vmbus -device hv-echo,id=e0");
    VmbusClient *c = vmbus_client_new(g, 0);
    VmbusChannel *ch;
    VmbusPacket pkt;

    vmbus_connect(c, HVBUS_VERSION_5_3);
    vmbus_request_offers(c);
    ch = vmbus_channel_open(c, vmbus_expect_offer(c, GUID_ECHO, 0, 0),
                            RING_PAGES, 0);
    /* more than the ring holds at once */
    for (uint64_t id = 1; id < 1000; id++) {
        vmbus_channel_send(ch, HVBUS_PKT_INBAND, HVBUS_PKT_FLAG_COMPLETION, id,
                           NULL, 0, text, sizeof(text));
        g_assert(vmbus_channel_wait(ch, &pkt, HV_GUEST_TIMEOUT_US));
        g_assert_cmpuint(pkt.type, ==, HVBUS_PKT_COMPLETION);
        g_assert_cmpuint(pkt.trans_id, ==, id);
        g_assert_cmpmem(pkt.msg, pkt.msg_bytes, text, sizeof(text));
    }
    vmbus_channel_close(ch);
    vmbus_client_free(c);
    hv_guest_stop(g);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("/paravisor/hv-echo/sends-back", test_sends_back);
    return g_test_run();
}
