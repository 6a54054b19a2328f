/*
 * A driver in VTL2, directed by the test through the paravisor's test device
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/timer.h"
#include "vtl2-client.h"

#define E1000E_CAUSE    (1u << 20)      /* receive queue 0 */

bool vtl2_do(Vtl2Client *v, uint64_t command, uint64_t arg0, uint64_t arg1,
             uint64_t arg2, uint64_t *result)
{
    QTestState *qts = v->g->qts;
    uint64_t args[] = { arg0, arg1, arg2 };

    for (unsigned i = 0; i < ARRAY_SIZE(args); i++) {
        qtest_writeq(qts, VTL2_TESTDEV_GPA + VTL2_TESTDEV_ARG(i), args[i]);
    }
    qtest_writeq(qts, VTL2_TESTDEV_GPA + VTL2_TESTDEV_COMMAND, command);
    if (!vtl2_count(v, VTL2_TESTDEV_COMMAND)) {
        return false;
    }
    if (result) {
        *result = vtl2_count(v, VTL2_TESTDEV_RESULT);
    }
    return true;
}

uint64_t vtl2_must(Vtl2Client *v, uint64_t command, uint64_t arg0,
                   uint64_t arg1, uint64_t arg2)
{
    uint64_t result;

    g_assert_true(vtl2_do(v, command, arg0, arg1, arg2, &result));
    return result;
}

uint64_t vtl2_count(Vtl2Client *v, uint64_t reg)
{
    return qtest_readq(v->g->qts, VTL2_TESTDEV_GPA + reg);
}

uint32_t vtl2_read(Vtl2Client *v, unsigned bar, uint64_t offset)
{
    return vtl2_must(v, VTL2_TESTDEV_DO_READ32, bar, offset, 0);
}

void vtl2_write(Vtl2Client *v, unsigned bar, uint64_t offset, uint32_t val)
{
    vtl2_must(v, VTL2_TESTDEV_DO_WRITE32, bar, offset, val);
}

uint64_t vtl2_alloc(Vtl2Client *v, uint64_t bytes)
{
    return vtl2_must(v, VTL2_TESTDEV_DO_ALLOC, bytes, 0, 0);
}

uint64_t vtl2_peek(Vtl2Client *v, uint64_t addr)
{
    return vtl2_must(v, VTL2_TESTDEV_DO_PEEK, addr, 0, 0);
}

void vtl2_poke(Vtl2Client *v, uint64_t addr, uint64_t val)
{
    vtl2_must(v, VTL2_TESTDEV_DO_POKE, addr, val, 0);
}

void vtl2_nvme_start(Vtl2Nvme *n, Vtl2Client *v)
{
    *n = (Vtl2Nvme) { .v = v, .phase = true };
    n->sq = vtl2_alloc(v, VTL2_NVME_QUEUE * 64);
    n->cq = vtl2_alloc(v, VTL2_NVME_QUEUE * 16);
    vtl2_write(v, 0, 0x14, 0);
    vtl2_write(v, 0, 0x24,
               (VTL2_NVME_QUEUE - 1) << 16 | (VTL2_NVME_QUEUE - 1));
    vtl2_must(v, VTL2_TESTDEV_DO_WRITE64, 0, 0x28, n->sq);
    vtl2_must(v, VTL2_TESTDEV_DO_WRITE64, 0, 0x30, n->cq);
    vtl2_write(v, 0, 0x14, 0x460001);
    g_assert_cmphex(vtl2_read(v, 0, 0x1c) & 1, ==, 1);
}

static void put_command(Vtl2Nvme *n, uint64_t sqe, uint64_t dw0, uint64_t prp,
                        uint64_t dw10)
{
    for (unsigned i = 0; i < 64; i += 8) {
        vtl2_poke(n->v, sqe + i, 0);
    }
    vtl2_poke(n->v, sqe, dw0);
    vtl2_poke(n->v, sqe + 24, prp);
    vtl2_poke(n->v, sqe + 40, dw10);
}

/* An admin command: the status */
static uint16_t vtl2_nvme_admin(Vtl2Nvme *n, uint8_t opcode, uint64_t prp,
                                uint32_t dw10, uint32_t dw11)
{
    uint64_t sqe = n->sq + n->tail * 64;
    uint64_t cqe = n->cq + n->head * 16 + 8;
    int64_t end = g_get_monotonic_time() + PCIE_GUEST_TIMEOUT_US;
    uint64_t word;

    put_command(n, sqe, opcode | n->tail << 16, prp,
                dw10 | (uint64_t)dw11 << 32);
    n->tail = (n->tail + 1) % VTL2_NVME_QUEUE;
    vtl2_write(n->v, 0, 0x1000, n->tail);
    do {
        pcie_guest_step(n->v->g, 1);
        word = vtl2_peek(n->v, cqe);
        g_assert_cmpint(g_get_monotonic_time(), <, end);
    } while ((word >> 48 & 1) != n->phase);
    n->head = (n->head + 1) % VTL2_NVME_QUEUE;
    n->phase ^= !n->head;
    vtl2_write(n->v, 0, 0x1004, n->head);
    return word >> 49 & 0x7ff;
}

uint16_t vtl2_nvme_identify(Vtl2Nvme *n, uint64_t prp)
{
    return vtl2_nvme_admin(n, 0x06, prp, 1, 0);
}

void vtl2_nvme_read(Vtl2Nvme *n, uint64_t prp)
{
    uint32_t dw10 = (VTL2_NVME_QUEUE - 1) << 16 | 1;
    uint64_t cq = vtl2_alloc(n->v, VTL2_NVME_QUEUE * 16);
    uint64_t sq = vtl2_alloc(n->v, VTL2_NVME_QUEUE * 64);

    g_assert_cmphex(vtl2_nvme_admin(n, 0x05, cq, dw10, 1), ==, 0);
    g_assert_cmphex(vtl2_nvme_admin(n, 0x01, sq, dw10, 1 << 16 | 1), ==, 0);
    put_command(n, sq, 0x02 | 1ull << 32, prp, 0);
    vtl2_write(n->v, 0, 0x1008, 1);
}

void vtl2_e1000e_start(Vtl2Client *v)
{
    vtl2_write(v, 0, 0xe4, 8);                  /* IVAR: entry 0 */
    vtl2_write(v, 0, 0xdc, E1000E_CAUSE);       /* EIAC */
}

void vtl2_e1000e_raise(Vtl2Client *v)
{
    /* it holds interrupts back that come too soon */
    pcie_guest_step(v->g, SCALE_MS);
    /* IMS: masked by the last one; ICS */
    vtl2_write(v, 0, 0xd0, E1000E_CAUSE);
    vtl2_write(v, 0, 0xc8, E1000E_CAUSE);
    pcie_guest_step(v->g, SCALE_MS);
}
