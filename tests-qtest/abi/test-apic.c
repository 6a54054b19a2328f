/*
 * Guest ABI tests: MSRs of the local APIC, EOI assist
 *
 * Each handler notes what it sees; the checks run with interrupts off.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "abi.h"

#define ICR_LEVEL           (1u << 15 | 1u << 14)   /* level triggered, assert */
#define ICR_SELF            (1u << 18)
#define VEC_LOW             0x52
#define VEC_HIGH            0x62
#define VEC_HIGH2           0x63        /* of the same priority */

static volatile uint32_t *const assist = (uint32_t *)page_a;
static volatile uint64_t hits, was_in_service, in_service_after;
static volatile uint64_t offers;        /* assist bits seen, newest in bit 0 */

static void send_self(uint32_t icr)
{
    wrmsr(MSR_ICR, icr | ICR_SELF);
}

/* Let in what is pending */
static void take_irqs(void)
{
    sti();
    for (int i = 0; i < 1000; i++) {
        pause();
    }
    cli();
}

/* The way of the TLFS to end an interrupt without EOI; false if one is due */
static bool take_offer(void)
{
    bool old;

    asm volatile("lock btrl $0, %0" : "+m"(*assist), "=@ccc"(old) :: "memory");
    return old;
}

static void on_msr_eoi(uint8_t vec)
{
    hits++;
    was_in_service = apic_in_service(vec);
    wrmsr(MSR_EOI, 0);
    in_service_after = apic_in_service(vec);
}

static void on_count(uint8_t vec)
{
    hits++;
    offers = offers << 1 | (*assist & 1);
    wrmsr(MSR_EOI, 0);
}

static void on_assisted(uint8_t vec)
{
    hits++;
    offers = offers << 1 | (*assist & 1);
    if (!take_offer()) {
        wrmsr(MSR_EOI, 0);
    }
}

/* Neither takes the offer nor ends the interrupt */
static void on_unended(uint8_t vec)
{
    hits++;
    offers = offers << 1 | (*assist & 1);
}

static void eoi_and_icr_tests(void)
{
    set_irq(VEC_HIGH, on_msr_eoi);
    hits = 0;
    send_self(VEC_HIGH);
    check_eq(rdmsr(MSR_ICR) & 0xff, VEC_HIGH, "icr_msr_reads_back");
    take_irqs();
    check_eq(hits, 1, "icr_msr_sends_self_ipi");
    check_eq(was_in_service, 1, "interrupt_is_in_service_before_eoi");
    check_eq(in_service_after, 0, "eoi_msr_ends_interrupt");
    check_eq(try_rdmsr(MSR_EOI, NULL), VEC_GP, "eoi_msr_is_write_only");
    check_eq(try_wrmsr(MSR_EOI, 1ull << 32), VEC_GP, "eoi_msr_is_32_bits");
}

static void tpr_tests(void)
{
    uint64_t cr8;

    set_irq(VEC_LOW, on_count);
    hits = 0;
    wrmsr(MSR_TPR, 0x50);
    check_eq(rdmsr(MSR_TPR), 0x50, "tpr_msr_reads_back");
    asm volatile("mov %%cr8, %0" : "=r"(cr8));
    check_eq(cr8, 5, "tpr_msr_sets_cr8");
    check_eq(try_wrmsr(MSR_TPR, 0x100), VEC_GP, "tpr_msr_is_8_bits");
    send_self(VEC_LOW);
    take_irqs();
    check_eq(hits, 0, "tpr_msr_holds_interrupt_back");
    wrmsr(MSR_TPR, 0x40);
    take_irqs();
    check_eq(hits, 1, "tpr_msr_lets_interrupt_in");
    wrmsr(MSR_TPR, 0);
}

static void assist_lone_tests(void)
{
    set_irq(VEC_HIGH, on_assisted);
    set_irq(VEC_HIGH2, on_assisted);
    hits = 0;
    send_self(VEC_HIGH);
    take_irqs();
    check_eq(offers & 1, 1, "assist_bit_set_for_lone_interrupt");
    send_self(VEC_HIGH2);
    take_irqs();
    check_eq(hits, 2, "assist_cleared_bit_counts_as_eoi");
    check_eq(offers & 1, 1, "assist_bit_set_again");
    check(!apic_in_service(VEC_HIGH) && !apic_in_service(VEC_HIGH2),
          "assist_leaves_nothing_in_service");

    set_irq(VEC_HIGH, on_count);
    send_self(VEC_HIGH);
    take_irqs();
    check(hits == 3 && (offers & 1), "assist_bit_set_for_guest_that_sends_eoi");
    check_eq(*assist & 1, 0, "eoi_msr_clears_assist_bit");
    check(!apic_in_service(VEC_HIGH), "eoi_msr_ends_assisted_interrupt");

    set_irq(VEC_HIGH, on_unended);
    send_self(VEC_HIGH | ICR_LEVEL);
    take_irqs();
    check(hits == 4 && !(offers & 1), "assist_bit_not_set_for_level");
    wrmsr(MSR_EOI, 0);
}

static void assist_pending_tests(void)
{
    set_irq(VEC_HIGH, on_unended);
    set_irq(VEC_HIGH2, on_assisted);
    hits = 0;
    send_self(VEC_HIGH);
    take_irqs();
    check(hits == 1 && (*assist & 1), "assist_bit_stays_with_the_interrupt");
    send_self(VEC_HIGH2);
    take_irqs();
    check_eq(*assist & 1, 0, "second_interrupt_clears_assist_bit");
    check_eq(hits, 1, "second_interrupt_waits_for_the_eoi");
    wrmsr(MSR_EOI, 0);
    take_irqs();
    check_eq(hits, 2, "real_eoi_lets_second_interrupt_in");

    set_irq(VEC_HIGH, on_count);
    send_self(VEC_LOW);
    send_self(VEC_HIGH);
    set_irq(VEC_LOW, on_unended);
    take_irqs();
    check_eq(hits, 4, "both_pending_interrupts_arrive");
    check_eq(offers & 3, 1, "assist_bit_set_for_the_last_of_two_only");
    check(take_offer(), "assist_offer_can_be_taken_late");
    check(!apic_in_service(VEC_LOW), "late_taken_offer_counts_as_eoi");
}

static volatile uint64_t outer_offered, outer_kept, inner_offered;

static void on_inner(uint8_t vec)
{
    hits++;
    inner_offered = take_offer();
}

static void on_outer(uint8_t vec)
{
    hits++;
    outer_offered = *assist & 1;
    send_self(VEC_HIGH);
    take_irqs();
    outer_kept = take_offer();
    wrmsr(MSR_EOI, 0);
}

static void assist_nested_tests(void)
{
    set_irq(VEC_LOW, on_outer);
    set_irq(VEC_HIGH, on_inner);
    hits = 0;
    send_self(VEC_LOW);
    take_irqs();
    check_eq(hits, 2, "nested_interrupt_arrives");
    check(outer_offered && inner_offered, "assist_bit_set_for_outer_and_inner");
    check_eq(outer_kept, 0, "assist_taken_once_when_nested");
    check(!apic_in_service(VEC_LOW) && !apic_in_service(VEC_HIGH),
          "eoi_after_assist_ends_the_outer_interrupt");
}

static void assist_disable_tests(void)
{
    set_irq(VEC_HIGH, on_unended);
    hits = 0;
    send_self(VEC_HIGH);
    take_irqs();
    wrmsr(MSR_VP_ASSIST, 0);
    check(apic_in_service(VEC_HIGH), "page_off_takes_the_offer_back");
    wrmsr(MSR_EOI, 0);
    check(!apic_in_service(VEC_HIGH), "page_off_real_eoi_ends_interrupt");

    wrmsr(MSR_VP_ASSIST, (uintptr_t)page_a | 1);
    send_self(VEC_HIGH);
    take_irqs();
    check(hits == 2 && take_offer(), "assist_bit_set_with_page_on_again");
    wrmsr(MSR_VP_ASSIST, 0);
    check(!apic_in_service(VEC_HIGH), "page_off_keeps_a_taken_offer");

    *assist = 0;
    set_irq(VEC_HIGH, on_assisted);
    send_self(VEC_HIGH);
    take_irqs();
    check(hits == 3 && !(offers & 1), "assist_bit_not_set_with_page_off");
}

void apic_tests(void)
{
    if (!(hv_features.a & 1 << 4)) {
        check_eq(try_wrmsr(MSR_EOI, 0), VEC_GP, "no_apic_msrs_no_eoi");
        check_eq(try_rdmsr(MSR_TPR, NULL), VEC_GP, "no_apic_msrs_no_tpr");
        return;
    }
    eoi_and_icr_tests();
    tpr_tests();
    wrmsr(MSR_VP_ASSIST, (uintptr_t)page_a | 1);
    if (hv_hints.a & 1 << 3) {
        assist_lone_tests();
        assist_pending_tests();
        assist_nested_tests();
        assist_disable_tests();
    } else {
        set_irq(VEC_HIGH, on_count);
        hits = 0;
        send_self(VEC_HIGH);
        take_irqs();
        check(hits == 1 && !(offers & 1), "assist_bit_not_set_without_hint");
    }
    wrmsr(MSR_VP_ASSIST, 0);
}
