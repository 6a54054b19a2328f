/*
 * Guest ABI tests: hypercalls
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "abi.h"

#define CALL_FLUSH_SPACE    0x0002
#define CALL_FLUSH_LIST     0x0003
#define CALL_SPIN_WAIT      0x0008
#define CALL_SEND_IPI       0x000b
#define CALL_SEND_IPI_EX    0x0015
#define CALL_GET_REGS       0x0050
#define CALL_POST_MESSAGE   0x005c
#define CALL_SIGNAL_EVENT   0x005d

#define ST_CODE 2
#define ST_INPUT 3
#define ST_ALIGN 4
#define ST_PARAM 5
#define ST_CONN 0x12

static void ring3_call(void)
{
    asm volatile("vmcall" :: "c"(CALL_SPIN_WAIT | CTL_FAST));
}

static void do_ring3(void *arg)
{
    enter_ring3(arg);
}

static void do_vmcall(void *arg)
{
    *(uint64_t *)arg = hypercall_vmcall(CALL_SPIN_WAIT | CTL_FAST, 1, 0);
}

static void do_vmmcall(void *arg)
{
    *(uint64_t *)arg = hypercall_vmmcall(CALL_SPIN_WAIT | CTL_FAST, 1, 0);
}

static void convention_tests(void)
{
    uint64_t res = ~0ull;

    check_eq(prot_result, 0, "call_from_32_bit_mode");
    check_eq(guarded(do_vmcall, &res), NO_FAULT, "vmcall_decoded");
    check_eq(res, 0, "vmcall_result");
    check_eq(guarded(do_vmmcall, &res), NO_FAULT, "vmmcall_decoded");
    check_eq(res, 0, "vmmcall_result");
    check_eq(guarded(do_ring3, ring3_call), VEC_UD, "call_from_ring_3_is_ud");
    check_eq(hypercall(CALL_SPIN_WAIT | CTL_FAST, 1, 0), 0, "call_by_page");

    check_eq(hypercall(0x7777, 0, 0) & 0xffff, ST_CODE, "unknown_code");
    check_eq(hypercall(0, 0, 0) & 0xffff, ST_CODE, "code_0");
    check_eq(hypercall(CALL_SPIN_WAIT | CTL_FAST | 1ull << 27, 1, 0) & 0xffff,
             ST_INPUT, "reserved_bit_27");
    check_eq(hypercall(CALL_SPIN_WAIT | CTL_FAST | 1ull << 44, 1, 0) & 0xffff,
             ST_INPUT, "reserved_bit_44");
    check_eq(hypercall(CALL_SPIN_WAIT | CTL_FAST | 1ull << 60, 1, 0) & 0xffff,
             ST_INPUT, "reserved_bit_60");
    check_eq(hypercall(CALL_SPIN_WAIT | CTL_FAST | CTL_REPS(1), 1, 0) & 0xffff,
             ST_INPUT, "rep_count_on_simple_call");
    check_eq(hypercall(CALL_SPIN_WAIT | CTL_FAST | CTL_START(1), 1, 0)
             & 0xffff, ST_INPUT, "rep_start_on_simple_call");
    check_eq(hypercall(CALL_SPIN_WAIT | CTL_FAST | CTL_VAR(1), 1, 0) & 0xffff,
             ST_INPUT, "var_header_on_call_without");
}

static void message_tests(void)
{
    uint32_t *in = (uint32_t *)page_in;

    if (!(hv_features.b & 0x10)) {
        skip("post_message", "not offered");
        return;
    }
    memset(page_in, 0, 4096);
    in[0] = 0x123456;
    in[2] = 1;
    in[3] = 8;
    check_eq(hypercall(CALL_POST_MESSAGE, (uintptr_t)in, 0) & 0xffff, ST_CONN,
             "post_to_unknown_connection");
    in[3] = 241;
    check_eq(hypercall(CALL_POST_MESSAGE, (uintptr_t)in, 0) & 0xffff, ST_PARAM,
             "post_payload_241");
    in[3] = 8;
    check_eq(hypercall(CALL_POST_MESSAGE, (uintptr_t)in + 4, 0) & 0xffff,
             ST_ALIGN, "post_misaligned_input");
    check_eq(hypercall(CALL_POST_MESSAGE, (uintptr_t)in + 4096 - 128, 0)
             & 0xffff, ST_ALIGN, "post_input_crosses_page");
    check(hypercall(CALL_POST_MESSAGE, 0xfffffffff000ull, 0) & 0xffff,
          "post_input_outside_memory_fails");
    check_eq(hypercall(CALL_SIGNAL_EVENT | CTL_FAST, 0x123456, 0) & 0xffff,
             ST_CONN, "signal_unknown_connection");
}

static volatile uint64_t hits;

static void count_hit(uint8_t vec)
{
    hits++;
    apic_eoi();
}

static void ipi_tests(void)
{
    uint64_t *in = (uint64_t *)page_in;
    uint64_t xmm[12] = { 0 };

    if (!(hv_hints.a & 1 << 10)) {
        skip("send_ipi", "not offered");
        return;
    }
    set_irq(0x55, count_hit);
    sti();
    hits = 0;
    check_eq(hypercall(CALL_SEND_IPI | CTL_FAST, 0x55, 1), 0, "ipi_self_fast");
    check(wait_u64(&hits, 1, 1000), "ipi_self_arrives");
    in[0] = 0x55;
    in[1] = 1;
    check_eq(hypercall(CALL_SEND_IPI, (uintptr_t)in, 0), 0, "ipi_self_slow");
    check(wait_u64(&hits, 2, 1000), "ipi_self_slow_arrives");
    check_eq(hypercall(CALL_SEND_IPI | CTL_FAST, 0x0f, 1) & 0xffff, ST_PARAM,
             "ipi_vector_below_16");
    check_eq(hypercall(CALL_SEND_IPI | CTL_FAST, 0x100, 1) & 0xffff, ST_PARAM,
             "ipi_vector_above_255");
    in[1] = 0;              /* sparse set */
    in[2] = 1;              /* bank 0 is valid */
    in[3] = 1;              /* VP 0 */
    check_eq(hypercall(CALL_SEND_IPI_EX | CTL_VAR(1), (uintptr_t)in, 0), 0,
             "ipi_ex_sparse");
    check(wait_u64(&hits, 3, 1000), "ipi_ex_arrives");
    in[1] = 1;              /* all */
    in[2] = 0;
    check_eq(hypercall(CALL_SEND_IPI_EX, (uintptr_t)in, 0), 0, "ipi_ex_all");
    check(wait_u64(&hits, 4, 1000), "ipi_ex_all_arrives");
    in[1] = 7;
    check_eq(hypercall(CALL_SEND_IPI_EX, (uintptr_t)in, 0) & 0xffff, ST_PARAM,
             "ipi_ex_bad_set_format");
    if (hv_features.d & 1 << 4) {
        xmm[0] = 1;         /* bank mask; 16 bytes are in RDX and R8 */
        xmm[1] = 1;
        check_eq(hypercall_xmm(CALL_SEND_IPI_EX | CTL_FAST | CTL_VAR(1), 0x55,
                               0, xmm), 0, "ipi_ex_xmm_fast");
        check(wait_u64(&hits, 5, 1000), "ipi_ex_xmm_arrives");
    } else {
        skip("ipi_ex_xmm_fast", "not offered");
    }
    cli();
}

static void flush_tests(void)
{
    uint64_t *in = (uint64_t *)page_in;
    uint64_t res;

    if (!(hv_hints.a & 1 << 2)) {
        skip("flush", "not offered");
        return;
    }
    in[0] = 0;              /* address space */
    in[1] = 3;              /* all processors, all address spaces */
    in[2] = 0;
    check_eq(hypercall(CALL_FLUSH_SPACE, (uintptr_t)in, 0), 0, "flush_space");
    for (int i = 0; i < 500; i++) {
        in[3 + i] = 0x10000000 + i * 4096;
    }
    res = hypercall(CALL_FLUSH_LIST | CTL_REPS(500), (uintptr_t)in, 0);
    check_eq(res, 500ull << 32, "flush_list_500_completes_all_reps");
    check_eq(hypercall(CALL_FLUSH_LIST, (uintptr_t)in, 0) & 0xffff, ST_INPUT,
             "flush_list_without_reps");
    check_eq(hypercall(CALL_FLUSH_LIST | CTL_REPS(2) | CTL_START(2),
                       (uintptr_t)in, 0) & 0xffff, ST_INPUT,
             "flush_list_start_at_count");
    res = hypercall(CALL_FLUSH_LIST | CTL_REPS(10) | CTL_START(4),
                    (uintptr_t)in, 0);
    check_eq(res, 10ull << 32, "flush_list_continues_from_start");
    in[1] = 1ull << 40;
    check_eq(hypercall(CALL_FLUSH_SPACE, (uintptr_t)in, 0) & 0xffff, ST_PARAM,
             "flush_reserved_flag");
}

static void register_tests(void)
{
    uint64_t *in = (uint64_t *)page_in;
    uint32_t *ids = (uint32_t *)&in[2];
    uint64_t *o = (uint64_t *)page_out;

    in[0] = ~0ull;
    in[1] = 0xfffffffe;     /* this VP, this VTL */
    ids[0] = 0x00090003;    /* VP index */
    if (!(hv_features.b & 1 << 17)) {
        check_eq(hypercall(CALL_GET_REGS | CTL_REPS(1), (uintptr_t)in,
                           (uintptr_t)o) & 0xffff, 6, "registers_not_offered");
        return;
    }
    o[0] = o[1] = ~0ull;
    check_eq(hypercall(CALL_GET_REGS | CTL_REPS(1), (uintptr_t)in,
                       (uintptr_t)o), 1ull << 32, "get_register");
    check_eq(o[0], 0, "get_vp_index_register");
    check_eq(o[1], 0, "get_register_high_half");
    ids[0] = 0x77777777;
    check_eq(hypercall(CALL_GET_REGS | CTL_REPS(1), (uintptr_t)in,
                       (uintptr_t)o) & 0xffff, ST_PARAM, "unknown_register");
}

void call_tests(void)
{
    hypercall_enable();
    convention_tests();
    message_tests();
    ipi_tests();
    flush_tests();
    register_tests();
}
