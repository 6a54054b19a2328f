/*
 * Guest ABI tests: a small kernel that calls the Hyper-V interface for itself
 *
 * It runs on real vCPU code, where qtests run on none: instructions that trap,
 * faults, privilege levels, several processors, time.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef ABI_H
#define ABI_H

#include <stdint.h>
#include <stdbool.h>
#include <stddef.h>

#define VEC_UD 6
#define VEC_GP 13
#define NO_FAULT (~0ull)

/* MSRs, as accel/hv-defs.h has them */
#define MSR_GUEST_OS_ID     0x40000000
#define MSR_HYPERCALL       0x40000001
#define MSR_VP_INDEX        0x40000002
#define MSR_TIME_REF        0x40000020
#define MSR_REFERENCE_TSC   0x40000021
#define MSR_TSC_FREQUENCY   0x40000022
#define MSR_APIC_FREQUENCY  0x40000023
#define MSR_EOI             0x40000070
#define MSR_ICR             0x40000071
#define MSR_TPR             0x40000072
#define MSR_VP_ASSIST       0x40000073
#define MSR_SCONTROL        0x40000080
#define MSR_SVERSION        0x40000081
#define MSR_SIEFP           0x40000082
#define MSR_SIMP            0x40000083
#define MSR_EOM             0x40000084
#define MSR_SINT0           0x40000090
#define MSR_STIMER0_CONFIG  0x400000b0
#define MSR_STIMER0_COUNT   0x400000b1
#define MSR_GUEST_IDLE      0x400000f0

#define CTL_FAST            (1ull << 16)
#define CTL_VAR(q)          ((uint64_t)(q) << 17)
#define CTL_REPS(n)         ((uint64_t)(n) << 32)
#define CTL_START(n)        ((uint64_t)(n) << 48)

struct frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
    uint64_t rdi, rsi, rbp, rbx, rdx, rcx, rax;
    uint64_t vector, error, rip, cs, rflags, rsp, ss;
};

struct regs4 {
    uint32_t a, b, c, d;
};

/* lib.c */
void out(const char *fmt, ...);         /* %s %d %u %x (64-bit all), %% */
uint64_t rdmsr(uint32_t msr);
void wrmsr(uint32_t msr, uint64_t val);
uint64_t try_rdmsr(uint32_t msr, uint64_t *val);    /* vector or NO_FAULT */
uint64_t try_wrmsr(uint32_t msr, uint64_t val);
struct regs4 cpuid(uint32_t leaf);
uint64_t rdtsc(void);
uint64_t ref_time(void);                /* 100 ns */
void spin_100ns(uint64_t t);
void run_on(unsigned cpu, void (*fn)(void *), void *arg);   /* asynchronous */
void wait_for(unsigned cpu);
unsigned this_cpu(void);
void apic_eoi(void);
bool apic_in_service(uint8_t vector);
void set_irq(uint8_t vector, void (*fn)(uint8_t));
uint64_t guarded(void (*fn)(void *), void *arg);
void enter_ring3(void (*fn)(void));
bool wait_u64(volatile uint64_t *p, uint64_t at_least, uint64_t ms);

/* hypercalls through the page, or by an instruction */
uint64_t hypercall(uint64_t control, uint64_t in, uint64_t out);
uint64_t hypercall_vmcall(uint64_t control, uint64_t in, uint64_t out);
uint64_t hypercall_vmmcall(uint64_t control, uint64_t in, uint64_t out);
/* xmm: 12 qwords in XMM0..5; read back after the call */
uint64_t hypercall_xmm(uint64_t control, uint64_t in, uint64_t out,
                       uint64_t *xmm);
void hypercall_enable(void);

/* TAP */
void check(bool ok, const char *name);
void check_eq(uint64_t got, uint64_t want, const char *name);
void skip(const char *name, const char *why);

extern struct regs4 hv_features;        /* leaf 0x40000003 */
extern struct regs4 hv_hints;           /* leaf 0x40000004 */
extern unsigned cpu_count;
extern uint64_t prot_result;
extern uint64_t pd[];
extern uint8_t page_in[4096], page_out[4096], page_a[4096], page_b[4096];

void *memcpy(void *d, const void *s, size_t n);
void *memset(void *d, int c, size_t n);

static inline void cli(void) { asm volatile("cli"); }
static inline void sti(void) { asm volatile("sti"); }
static inline void pause(void) { asm volatile("pause"); }
static inline void sti_hlt(void) { asm volatile("sti; hlt"); }

void msr_tests(void);
void apic_tests(void);
void call_tests(void);
void time_tests(void);
void smp_tests(void);
void benches(void);

#endif
