/*
 * Network VSP: who holds which section of the receive buffer
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "netvsp-sections-core.h"

static void netvsp_section_free(NetvspSections *s, uint32_t idx)
{
    s->owner[idx] = NETVSP_SECTION_FREE;
    s->next[idx] = s->free_head;
    s->free_head = idx;
    s->free_count++;
}

void netvsp_sections_init(NetvspSections *s, uint32_t count)
{
    netvsp_sections_destroy(s);
    s->count = count;
    s->next = g_new(uint32_t, count);
    s->owner = g_new(uint16_t, count);
    for (uint32_t i = count; i-- > 0;) {
        netvsp_section_free(s, i);
    }
}

void netvsp_sections_destroy(NetvspSections *s)
{
    g_free(s->next);
    g_free(s->owner);
    *s = (NetvspSections) { .free_head = NETVSP_NO_IDX };
}

uint32_t netvsp_sections_add(NetvspSections *s, uint16_t channel,
                             NetvspChain *chain)
{
    uint32_t idx = s->free_head;

    if (idx == NETVSP_NO_IDX) {
        return NETVSP_NO_IDX;
    }
    s->free_head = s->next[idx];
    s->free_count--;
    s->held[channel]++;
    s->owner[idx] = channel;
    s->next[idx] = NETVSP_NO_IDX;
    if (chain->count++) {
        s->next[chain->tail] = idx;
    } else {
        chain->head = idx;
    }
    chain->tail = idx;
    return idx;
}

static uint32_t netvsp_sections_free_chain(NetvspSections *s, uint32_t idx)
{
    uint16_t channel = s->owner[idx] & NETVSP_SECTION_CHANNEL;
    uint32_t freed = 0;

    while (idx != NETVSP_NO_IDX) {
        uint32_t next = s->next[idx];

        netvsp_section_free(s, idx);
        idx = next;
        freed++;
    }
    s->held[channel] -= freed;
    return freed;
}

void netvsp_sections_drop(NetvspSections *s, NetvspChain *chain)
{
    if (chain->count) {
        netvsp_sections_free_chain(s, chain->head);
        chain->count = 0;
    }
}

void netvsp_sections_sent(NetvspSections *s, const NetvspChain *chain)
{
    s->owner[chain->head] |= NETVSP_SECTION_SENT;
}

uint32_t netvsp_sections_complete(NetvspSections *s, uint16_t channel,
                                  uint64_t head)
{
    if (head >= s->count || s->owner[head] != (channel | NETVSP_SECTION_SENT)) {
        return 0;
    }
    return netvsp_sections_free_chain(s, head);
}

void netvsp_sections_release(NetvspSections *s, uint16_t channel)
{
    for (uint32_t i = 0; i < s->count && s->held[channel]; i++) {
        if (s->owner[i] != NETVSP_SECTION_FREE &&
            (s->owner[i] & NETVSP_SECTION_CHANNEL) == channel) {
            netvsp_section_free(s, i);
            s->held[channel]--;
        }
    }
}

/* Each section that is not free must be in just one chain, of one channel */
static bool netvsp_sections_check_chains(NetvspSections *s, uint8_t *linked)
{
    for (uint32_t i = 0; i < s->count; i++) {
        uint32_t next = s->next[i];

        if (s->owner[i] == NETVSP_SECTION_FREE || next == NETVSP_NO_IDX) {
            continue;
        }
        if (next >= s->count || linked[next] ||
            s->owner[next] != (s->owner[i] & NETVSP_SECTION_CHANNEL)) {
            return false;
        }
        linked[next] = true;
    }
    return true;
}

/* @c must be a whole chain of @channel that was not sent */
static bool netvsp_sections_check_unsent(NetvspSections *s, uint16_t channel,
                                         const uint8_t *linked, NetvspChain *c)
{
    uint32_t idx = c->head;

    if (!c->count) {
        return true;
    }
    if (idx >= s->count || linked[idx]) {
        return false;
    }
    for (uint32_t i = 0; i < c->count; i++) {
        if (idx == NETVSP_NO_IDX || s->owner[idx] != channel) {
            return false;
        }
        c->tail = idx;
        idx = s->next[idx];
    }
    return idx == NETVSP_NO_IDX;
}

bool netvsp_sections_restore(NetvspSections *s, uint16_t channels,
                             NetvspChain *const *unsent)
{
    g_autofree uint8_t *linked = g_new0(uint8_t, s->count);
    uint32_t unsent_chains = 0;
    uint32_t in_chains = 0;

    s->free_head = NETVSP_NO_IDX;
    s->free_count = 0;
    memset(s->held, 0, sizeof(s->held));
    for (uint32_t i = 0; i < s->count; i++) {
        if (s->owner[i] != NETVSP_SECTION_FREE &&
            ((s->owner[i] & ~NETVSP_SECTION_SENT) >= channels ||
             (s->owner[i] & NETVSP_SECTION_CHANNEL) >= NVSP_MAX_CHANNELS)) {
            return false;
        }
    }
    if (!netvsp_sections_check_chains(s, linked)) {
        return false;
    }
    /* what is not linked starts a chain; a ring of sections has no start */
    for (uint32_t i = s->count; i-- > 0;) {
        uint32_t idx = i;

        if (s->owner[i] == NETVSP_SECTION_FREE) {
            netvsp_section_free(s, i);
            continue;
        }
        s->held[s->owner[i] & NETVSP_SECTION_CHANNEL]++;
        unsent_chains += !linked[i] && !(s->owner[i] & NETVSP_SECTION_SENT);
        while (!linked[i] && idx != NETVSP_NO_IDX) {
            in_chains++;
            idx = s->next[idx];
        }
    }
    for (uint16_t i = 0; i < channels; i++) {
        if (!netvsp_sections_check_unsent(s, i, linked, unsent[i])) {
            return false;
        }
        unsent_chains -= unsent[i]->count != 0;
    }
    /* nobody would ever free another one */
    return in_chains + s->free_count == s->count && !unsent_chains;
}
