/*
 * A card that a test abuses, and another one that must not notice
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "net-victim.h"

#define LOG_LIMIT_BYTES     (16 * KiB)
#define SETTLE_US           (G_USEC_PER_SEC / 5)

const uint32_t victim_wild[VICTIM_WILD_COUNT] = {
    0, 1, 3, 4, 7, 8, 11, 12, 13, 14, 35, 36, 43, 44, 60, 1514, 4095, 4096,
    6144, 0x7fff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffff0,
    0xfffffffc, 0xffffffff,
};

void victim_open(Victim *v)
{
    v->m.g->heap_gpa = v->heap_gpa;
    v->n = netvsc_start_sized(v->m.c, 0, NVSP_VERSION_6_1, VICTIM_RECV_PAGES,
                              1500);
    netvsc_set_offloads(v->n, true);
}

void victim_start(Victim *v)
{
    g_autofree char *netdev = net_wire_start(&v->wire, "n1");
    g_autofree char *extra = g_strdup_printf("%s -device hv-net,id=nic1,"
                                             "netdev=n1,mac=" NET_MACHINE_MAC,
                                             netdev);

    net_machine_start(&v->m, "", extra);
    net_wire_accept(&v->wire);
    v->bystander = netvsc_start(v->m.c, 1, NVSP_VERSION_6_1);
    v->gpa = hv_guest_alloc(v->m.g, VICTIM_MSG_PAGES);
    v->heap_gpa = v->m.g->heap_gpa;
    victim_open(v);
    v->rss_bytes = hv_guest_rss_bytes(v->m.g);
}

void victim_check_bystander(Victim *v)
{
    NetMachine other = { .g = v->m.g, .c = v->m.c, .wire = v->wire };

    net_machine_check_traffic(&other, v->bystander, 11);
}

/* What the host does not know is completed too, unless the channel has failed */
static void victim_check_ring(Victim *v)
{
    NvspMessageWire msg = { .type = cpu_to_le32(UINT32_MAX) };

    netvsc_exchange(v->n, 0, &msg, NVSP_MESSAGE_BYTES);
}

void victim_reopen(Victim *v)
{
    netvsc_close_rudely(v->n);
    victim_open(v);
}

void victim_restart(Victim *v)
{
    victim_check_ring(v);
    victim_reopen(v);
}

void victim_stop(Victim *v)
{
    /* the card's own queue follows slowly */
    net_wire_drain(&v->m.wire, SETTLE_US);
    victim_check_bystander(v);
    victim_restart(v);
    net_machine_settle(&v->m, v->n);
    net_wire_drain(&v->m.wire, SETTLE_US);
    net_machine_check_traffic(&v->m, v->n, 12);
    g_assert_cmpuint(hv_guest_log_bytes(v->m.g), <, LOG_LIMIT_BYTES);
    hv_guest_check_rss(v->m.g, v->rss_bytes, VICTIM_RSS_BYTES);
    netvsc_close(v->n);
    netvsc_close(v->bystander);
    net_wire_stop(&v->wire);
    net_machine_stop(&v->m);
}

void victim_discard(Victim *v)
{
    netvsc_pump(v->n);
    g_hash_table_remove_all(v->n->done);
    while (!g_queue_is_empty(v->n->frames)) {
        g_free(g_queue_pop_head(v->n->frames));
    }
    while (!g_queue_is_empty(v->n->control)) {
        g_byte_array_unref(g_queue_pop_head(v->n->control));
    }
    g_array_set_size(v->n->indications, 0);
    net_wire_drain(&v->m.wire, 0);
}

void victim_settle(Victim *v)
{
    vmbus_channel_signal(v->n->ch[0]);
    for (int i = 0; i < 4; i++) {
        hv_guest_step(v->m.g, 0);
    }
    victim_discard(v);
}

void victim_push(Victim *v, uint16_t type, const void *desc,
                 uint32_t desc_bytes, const void *msg, uint32_t msg_bytes)
{
    for (int i = 0; i < 100; i++) {
        if (vmbus_channel_push(v->n->ch[0], type, HVBUS_PKT_FLAG_COMPLETION,
                               v->n->next_trans_id, desc, desc_bytes, msg,
                               msg_bytes)) {
            v->n->next_trans_id++;
            return;
        }
        victim_settle(v);
    }
    g_error("the host does not read the ring any more");
}

const uint32_t victim_oids[VICTIM_OID_COUNT] = {
    RNDIS_OID_GEN_MAXIMUM_FRAME_SIZE, RNDIS_OID_GEN_LINK_SPEED,
    RNDIS_OID_GEN_CURRENT_PACKET_FILTER, RNDIS_OID_GEN_FRIENDLY_NAME,
    RNDIS_OID_GEN_RECEIVE_SCALE_CAPABILITIES,
    RNDIS_OID_GEN_RECEIVE_SCALE_PARAMETERS, RNDIS_OID_GEN_LINK_STATE,
    RNDIS_OID_GEN_RNDIS_CONFIG_PARAMETER, RNDIS_OID_802_3_PERMANENT_ADDRESS,
    RNDIS_OID_802_3_CURRENT_ADDRESS, RNDIS_OID_802_3_MULTICAST_LIST,
    RNDIS_OID_TCP_OFFLOAD_PARAMETERS, RNDIS_OID_OFFLOAD_ENCAPSULATION,
    RNDIS_OID_TCP_OFFLOAD_HARDWARE_CAPABILITIES,
    RNDIS_OID_TCP_OFFLOAD_CURRENT_CONFIG, RNDIS_OID_GEN_SUPPORTED_LIST,
    RNDIS_OID_GEN_MACHINE_NAME, RNDIS_OID_GEN_CURRENT_LOOKAHEAD,
    RNDIS_OID_802_3_ADD_MULTICAST_ADDRESS, 0, 0xffffffff,
};

void victim_send_control(Victim *v, const void *msg, uint32_t bytes)
{
    NetvscRange range = { v->gpa, bytes };

    memcpy(hv_guest_ptr(v->m.g, v->gpa), msg, bytes);
    netvsc_send_raw(v->n, 0, NVSP_CHANNEL_CONTROL, NVSP_NO_SECTION, 0, &range,
                    1);
    victim_settle(v);
}

void victim_check_control(Victim *v)
{
    g_assert_cmpuint(netvsc_query_u32(v->n, RNDIS_OID_GEN_MAXIMUM_FRAME_SIZE),
                     ==, 1500);
}

void victim_send_data(Victim *v, const void *msg, uint32_t bytes,
                      bool in_section)
{
    NetvscRange range = { v->gpa, bytes };

    if (in_section) {
        memcpy(hv_guest_ptr(v->m.g, v->n->send_gpa), msg,
               MIN(bytes, v->n->send_section_bytes));
        netvsc_send_raw(v->n, 0, NVSP_CHANNEL_DATA, 0, bytes, NULL, 0);
    } else {
        memcpy(hv_guest_ptr(v->m.g, v->gpa), msg, bytes);
        netvsc_send_raw(v->n, 0, NVSP_CHANNEL_DATA, NVSP_NO_SECTION, 0, &range,
                        1);
    }
    vmbus_channel_signal(v->n->ch[0]);
    hv_guest_step(v->m.g, 0);
    victim_discard(v);
}

