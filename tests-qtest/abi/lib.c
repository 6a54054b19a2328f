/*
 * Guest ABI tests: output, processors, interrupts, hypercalls
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "abi.h"

#define MAX_CPUS 64
#define AP_BASE 0x8000
#define APIC 0xfee00000ul
#define APIC_EOI 0xb0
#define APIC_SVR 0xf0
#define APIC_ISR 0x100
#define APIC_TPR 0x80
#define APIC_ICR_LOW 0x300
#define MSR_GS_BASE 0xc0000101

uint8_t page_in[4096] __attribute__((aligned(4096)));
uint8_t page_out[4096] __attribute__((aligned(4096)));
uint8_t page_a[4096] __attribute__((aligned(4096)));
uint8_t page_b[4096] __attribute__((aligned(4096)));
static uint8_t call_page[4096] __attribute__((aligned(4096)));

struct regs4 hv_features, hv_hints;
unsigned cpu_count = 1;

extern uint8_t ap_trampoline[], ap_trampoline_end[], isr_stubs[];
extern uint8_t isr_stack_end[];
extern uint64_t guard_rip, guard_rsp, gdt[], tss_desc[];

static struct {
    void (*volatile fn)(void *);
    void *arg;
    volatile bool up;
} cpus[MAX_CPUS];

static void (*irq[256])(uint8_t);
static uint64_t idt[512];
static uint32_t tss[26];
static unsigned checks;

static void outb(uint16_t port, uint8_t v)
{
    asm volatile("outb %0, %1" :: "a"(v), "Nd"(port));
}

static uint8_t inb(uint16_t port)
{
    uint8_t v;
    asm volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}

static void putch(char c)
{
    while (!(inb(0x3fd) & 0x20)) {
        pause();
    }
    outb(0x3f8, c);
}

static void put_num(uint64_t v, unsigned base)
{
    char buf[24];
    int i = 0;

    do {
        buf[i++] = "0123456789abcdef"[v % base];
        v /= base;
    } while (v);
    while (i) {
        putch(buf[--i]);
    }
}

void out(const char *fmt, ...)
{
    __builtin_va_list ap;

    __builtin_va_start(ap, fmt);
    for (; *fmt; fmt++) {
        const char *s;

        if (*fmt != '%') {
            putch(*fmt);
            continue;
        }
        switch (*++fmt) {
        case 's':
            for (s = __builtin_va_arg(ap, const char *); *s; s++) {
                putch(*s);
            }
            break;
        case 'u':
            put_num(__builtin_va_arg(ap, uint64_t), 10);
            break;
        case 'x':
            put_num(__builtin_va_arg(ap, uint64_t), 16);
            break;
        default:
            putch(*fmt);
        }
    }
    __builtin_va_end(ap);
}

/* Soft off through the PM1a control register that SeaBIOS put at 0x604 */
static __attribute__((noreturn)) void abi_exit(void)
{
    out("1..%u\n", (uint64_t)checks);
    asm volatile("outw %0, %1" :: "a"((uint16_t)0x2000), "Nd"((uint16_t)0x604));
    for (;;) {
        asm volatile("cli; hlt");
    }
}

void check(bool ok, const char *name)
{
    out("%s %u - %s\n", ok ? "ok" : "not ok", (uint64_t)++checks, name);
}

void check_eq(uint64_t got, uint64_t want, const char *name)
{
    if (got != want) {
        out("# %s: got 0x%x, want 0x%x\n", name, got, want);
    }
    check(got == want, name);
}

void skip(const char *name, const char *why)
{
    out("ok %u - %s # SKIP %s\n", (uint64_t)++checks, name, why);
}

uint64_t rdmsr(uint32_t msr)
{
    uint32_t a, d;
    asm volatile("rdmsr" : "=a"(a), "=d"(d) : "c"(msr));
    return (uint64_t)d << 32 | a;
}

void wrmsr(uint32_t msr, uint64_t val)
{
    asm volatile("wrmsr" :: "c"(msr), "a"((uint32_t)val),
                 "d"((uint32_t)(val >> 32)) : "memory");
}

struct msr_arg {
    uint32_t msr;
    uint64_t val;
};

static void guarded_rdmsr(void *opaque)
{
    struct msr_arg *a = opaque;
    a->val = rdmsr(a->msr);
}

static void guarded_wrmsr(void *opaque)
{
    struct msr_arg *a = opaque;
    wrmsr(a->msr, a->val);
}

uint64_t try_rdmsr(uint32_t msr, uint64_t *val)
{
    struct msr_arg a = { .msr = msr };
    uint64_t vec = guarded(guarded_rdmsr, &a);

    if (val) {
        *val = a.val;
    }
    return vec;
}

uint64_t try_wrmsr(uint32_t msr, uint64_t val)
{
    struct msr_arg a = { .msr = msr, .val = val };
    return guarded(guarded_wrmsr, &a);
}

struct regs4 cpuid(uint32_t leaf)
{
    struct regs4 r;
    asm volatile("cpuid" : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d)
                 : "a"(leaf), "c"(0));
    return r;
}

uint64_t rdtsc(void)
{
    uint32_t a, d;
    asm volatile("rdtsc" : "=a"(a), "=d"(d));
    return (uint64_t)d << 32 | a;
}

uint64_t ref_time(void)
{
    return rdmsr(MSR_TIME_REF);
}

void spin_100ns(uint64_t t)
{
    uint64_t end = ref_time() + t;

    while (ref_time() < end) {
        pause();
    }
}

bool wait_u64(volatile uint64_t *p, uint64_t at_least, uint64_t ms)
{
    uint64_t end = ref_time() + ms * 10000;

    while (*p < at_least && ref_time() < end) {
        pause();
    }
    return *p >= at_least;
}

static uint32_t apic_read(unsigned reg)
{
    return *(volatile uint32_t *)(APIC + reg);
}

static void apic_write(unsigned reg, uint32_t v)
{
    *(volatile uint32_t *)(APIC + reg) = v;
}

void apic_eoi(void)
{
    apic_write(APIC_EOI, 0);
}

bool apic_in_service(uint8_t vector)
{
    return apic_read(APIC_ISR + vector / 32 * 16) >> (vector % 32) & 1;
}

void set_irq(uint8_t vector, void (*fn)(uint8_t))
{
    irq[vector] = fn;
}

void isr_handler(struct frame *f);
void isr_handler(struct frame *f)
{
    if (f->vector >= 32) {
        if (irq[f->vector]) {
            irq[f->vector](f->vector);
        }
        return;
    }
    if (guard_rip) {
        f->rip = guard_rip;
        f->rsp = guard_rsp;
        f->rax = f->vector;
        f->cs = 0x08;
        f->ss = 0x10;
        f->rflags &= ~0x200ull;
        /* the landing pad takes RAX as the result */
        return;
    }
    out("Bail out! exception %u error 0x%x at 0x%x\n", f->vector, f->error,
        f->rip);
    abi_exit();
}

static void cpu_init(unsigned cpu)
{
    struct { uint16_t limit; uint64_t base; } __attribute__((packed)) ptr;

    ptr.limit = sizeof(idt) - 1;
    ptr.base = (uintptr_t)idt;
    asm volatile("lidt %0" :: "m"(ptr));
    wrmsr(MSR_GS_BASE, cpu);
    apic_write(APIC_SVR, 0x1ff);
    apic_write(APIC_TPR, 0);
    cpus[cpu].up = true;
}

unsigned this_cpu(void)
{
    return rdmsr(MSR_GS_BASE);
}

static void bsp_tables(void)
{
    uint64_t base = (uintptr_t)tss;

    for (unsigned i = 0; i < 256; i++) {
        uint64_t addr = (uintptr_t)isr_stubs + i * 16;

        idt[i * 2] = (addr & 0xffff) | 0x08ull << 16 | 0x8e00ull << 32
            | (addr >> 16 & 0xffff) << 48;
        idt[i * 2 + 1] = addr >> 32;
    }
    *(uint64_t *)((uint8_t *)tss + 4) = (uintptr_t)isr_stack_end;
    tss_desc[0] = (sizeof(tss) - 1) | (base & 0xffffff) << 16 | 0x89ull << 40
        | (base >> 24 & 0xff) << 56;
    tss_desc[1] = base >> 32;
    asm volatile("ltr %0" :: "r"((uint16_t)0x38));
}

void ap_main(unsigned cpu);
void ap_main(unsigned cpu)
{
    cpu_init(cpu);
    for (;;) {
        void (*fn)(void *) = cpus[cpu].fn;

        if (fn) {
            fn(cpus[cpu].arg);
            cpus[cpu].fn = NULL;
        }
        pause();
    }
}

void run_on(unsigned cpu, void (*fn)(void *), void *arg)
{
    wait_for(cpu);
    cpus[cpu].arg = arg;
    asm volatile("" ::: "memory");
    cpus[cpu].fn = fn;
}

void wait_for(unsigned cpu)
{
    while (cpus[cpu].fn) {
        pause();
    }
}

/* CPUs that run, this one included */
static unsigned start_aps(void)
{
    unsigned n = 1;

    __builtin_memcpy((void *)AP_BASE, ap_trampoline,
                     ap_trampoline_end - ap_trampoline);
    apic_write(APIC_ICR_LOW, 0xc4500);              /* INIT, all but self */
    spin_100ns(100000);
    apic_write(APIC_ICR_LOW, 0xc4600 | AP_BASE >> 12);
    /* a host may be busy: all have come when none came for half a second */
    for (unsigned seen = 0; seen != n; ) {
        seen = n;
        spin_100ns(5000000);
        while (n < MAX_CPUS && cpus[n].up) {
            n++;
        }
    }
    return n;
}

uint64_t hypercall(uint64_t control, uint64_t in, uint64_t out)
{
    uint64_t res;
    register uint64_t r8 asm("r8") = out;

    asm volatile("call *%[page]" : "=a"(res), "+c"(control), "+d"(in), "+r"(r8)
                 : [page] "r"(call_page) : "r9", "r10", "r11", "memory", "cc");
    return res;
}

uint64_t hypercall_vmcall(uint64_t control, uint64_t in, uint64_t out)
{
    uint64_t res;
    register uint64_t r8 asm("r8") = out;

    asm volatile("vmcall" : "=a"(res), "+c"(control), "+d"(in), "+r"(r8)
                 :: "memory", "cc");
    return res;
}

uint64_t hypercall_vmmcall(uint64_t control, uint64_t in, uint64_t out)
{
    uint64_t res;
    register uint64_t r8 asm("r8") = out;

    asm volatile("vmmcall" : "=a"(res), "+c"(control), "+d"(in), "+r"(r8)
                 :: "memory", "cc");
    return res;
}

uint64_t hypercall_xmm(uint64_t control, uint64_t in, uint64_t out,
                       uint64_t *x)
{
    uint64_t res;
    register uint64_t r8 asm("r8") = out;

    asm volatile("movups (%[x]), %%xmm0; movups 16(%[x]), %%xmm1;"
                 "movups 32(%[x]), %%xmm2; movups 48(%[x]), %%xmm3;"
                 "movups 64(%[x]), %%xmm4; movups 80(%[x]), %%xmm5;"
                 "vmcall;"
                 "movups %%xmm0, (%[x]); movups %%xmm1, 16(%[x]);"
                 "movups %%xmm2, 32(%[x]); movups %%xmm3, 48(%[x]);"
                 "movups %%xmm4, 64(%[x]); movups %%xmm5, 80(%[x]);"
                 : "=a"(res), "+c"(control), "+d"(in), "+r"(r8)
                 : [x] "r"(x) : "memory", "cc");
    return res;
}

void hypercall_enable(void)
{
    wrmsr(MSR_GUEST_OS_ID, 0x8100000000000001ull);
    wrmsr(MSR_HYPERCALL, (uintptr_t)call_page | 1);
}

void *memcpy(void *d, const void *s, size_t n)
{
    asm volatile("rep movsb" : "+D"(d), "+S"(s), "+c"(n) :: "memory");
    return (uint8_t *)d;
}

void *memset(void *d, int c, size_t n)
{
    void *r = d;
    asm volatile("rep stosb" : "+D"(d), "+c"(n) : "a"(c) : "memory");
    return r;
}

static bool has_word(const char *s, const char *w)
{
    for (; *s; s++) {
        const char *a = s, *b = w;

        while (*b && *a == *b) {
            a++;
            b++;
        }
        if (!*b) {
            return true;
        }
    }
    return false;
}

void main(uint32_t *mb_info);
void main(uint32_t *mb_info)
{
    const char *cmd = mb_info[0] & 4 ? (char *)(uintptr_t)mb_info[4] : "";
    struct regs4 leaf;

    out("TAP version 13\n");
    outb(0x21, 0xff);           /* nothing from the PICs */
    outb(0xa1, 0xff);
    bsp_tables();
    cpu_init(0);
    leaf = cpuid(0x40000000);
    if (leaf.b != 0x7263694d || leaf.c != 0x666f736f || leaf.d != 0x76482074) {
        out("Bail out! no Hyper-V CPUID\n");
        abi_exit();
    }
    hv_features = cpuid(0x40000003);
    hv_hints = cpuid(0x40000004);
    if (has_word(cmd, "bench")) {
        hypercall_enable();
        benches();
        abi_exit();
    }
    msr_tests();
    apic_tests();
    call_tests();
    if (!(hv_features.a & 2)) {
        check_eq(try_rdmsr(MSR_TIME_REF, NULL), VEC_GP, "no_time_no_msr");
        abi_exit();             /* what follows measures time */
    }
    time_tests();
    cpu_count = start_aps();
    smp_tests();
    abi_exit();
}
