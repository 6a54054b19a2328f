/*
 * Hyper-V test device: a qtest executes MSR accesses and hypercalls as a VP
 *
 * With -accel qtest no guest code runs, and the hooks that make VPs belong to
 * TCG.  The device makes the VPs then, and calls the same hooks as the
 * translated code of a guest, from the vCPU's thread.  Registers:
 * hv-testdev-defs.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/main-loop.h"
#include "qemu/module.h"
#include "hw/qdev-core.h"
#include "hw/i386/apic.h"
#include "hw/i386/apic_internal.h"
#include "exec/address-spaces.h"
#include "exec/cpu-common.h"
#include "system/tcg.h"
#include "cpu.h"
#include "hv-tcg.h"
#include "hv-testdev-defs.h"

OBJECT_DECLARE_SIMPLE_TYPE(HvTestdev, HV_TESTDEV)

struct HvTestdev {
    DeviceState parent_obj;

    /* host only */
    MemoryRegion mmio;
    uint64_t reg[HV_TESTDEV_REGS_BYTES / 8];
    uint64_t command;
    uint64_t status;
};

static uint64_t *hv_testdev_reg(HvTestdev *s, unsigned offset)
{
    return &s->reg[offset / 8];
}

/* Give the CPU the mode in which the guest would run; the caller restores it */
static void hv_testdev_enter_mode(HvTestdev *s, CPUX86State *env)
{
    env->hflags &= ~(HF_CPL_MASK | HF_PE_MASK | HF_LMA_MASK | HF_CS64_MASK);
    env->hflags |= *hv_testdev_reg(s, HV_TESTDEV_CPL) & HF_CPL_MASK;
    switch (*hv_testdev_reg(s, HV_TESTDEV_MODE)) {
    case HV_TESTDEV_MODE_LONG:
        env->hflags |= HF_PE_MASK | HF_LMA_MASK | HF_CS64_MASK;
        env->cr[0] |= CR0_PE_MASK | CR0_PG_MASK;
        env->efer |= MSR_EFER_LMA | MSR_EFER_LME;
        break;
    case HV_TESTDEV_MODE_PROT32:
        env->hflags |= HF_PE_MASK;
        env->cr[0] |= CR0_PE_MASK;
        break;
    }
}

static bool hv_testdev_run_hook(HvTestdev *s, CPUX86State *env)
{
    uint64_t *rax = hv_testdev_reg(s, HV_TESTDEV_RAX);
    uint32_t ecx = *hv_testdev_reg(s, HV_TESTDEV_RCX);
    uint32_t a, b, c, d;

    switch (s->command) {
    case HV_TESTDEV_DO_RDMSR:
        return hv_tcg_rdmsr(env, ecx, rax, 0);
    case HV_TESTDEV_DO_WRMSR:
        return hv_tcg_wrmsr(env, ecx, *rax, 0);
    case HV_TESTDEV_DO_CPUID:
        cpu_x86_cpuid(env, *rax, ecx, &a, &b, &c, &d);
        *rax = a;
        *hv_testdev_reg(s, HV_TESTDEV_RBX) = b;
        *hv_testdev_reg(s, HV_TESTDEV_RCX) = c;
        *hv_testdev_reg(s, HV_TESTDEV_RDX) = d;
        return true;
    case HV_TESTDEV_DO_CALL:
        return hv_tcg_hypercall(env, 0);
    default:
        return false;
    }
}

static void hv_testdev_load_regs(HvTestdev *s, CPUX86State *env)
{
    env->regs[R_EAX] = *hv_testdev_reg(s, HV_TESTDEV_RAX);
    env->regs[R_EBX] = *hv_testdev_reg(s, HV_TESTDEV_RBX);
    env->regs[R_ECX] = *hv_testdev_reg(s, HV_TESTDEV_RCX);
    env->regs[R_EDX] = *hv_testdev_reg(s, HV_TESTDEV_RDX);
    env->regs[8] = *hv_testdev_reg(s, HV_TESTDEV_R8);
}

static void hv_testdev_store_regs(HvTestdev *s, CPUX86State *env)
{
    *hv_testdev_reg(s, HV_TESTDEV_RAX) = env->regs[R_EAX];
    *hv_testdev_reg(s, HV_TESTDEV_RBX) = env->regs[R_EBX];
    *hv_testdev_reg(s, HV_TESTDEV_RCX) = env->regs[R_ECX];
    *hv_testdev_reg(s, HV_TESTDEV_RDX) = env->regs[R_EDX];
    *hv_testdev_reg(s, HV_TESTDEV_R8) = env->regs[8];
}

/*
 * Run a hook as translated code does: without the BQL, and where an exception
 * unwinds to jmp_env, which the execution loop does not use now.
 */
static void hv_testdev_guarded(HvTestdev *s, CPUState *cs)
{
    CPUX86State *env = cpu_env(cs);
    uint32_t hflags = env->hflags;
    target_ulong cr0 = env->cr[0];
    target_ulong eip = env->eip;
    uint64_t efer = env->efer;

    hv_testdev_enter_mode(s, env);
    if (s->command == HV_TESTDEV_DO_CALL) {
        hv_testdev_load_regs(s, env);
    }
    cs->exception_index = -1;
    env->old_exception = -1;            /* no double fault after a fault */
    bql_unlock();
    if (sigsetjmp(cs->jmp_env, 0) == 0) {
        s->status = hv_testdev_run_hook(s, env) ? HV_TESTDEV_OK
                                                : HV_TESTDEV_UNKNOWN;
    } else {
        /* a negative number: left the loop without an exception */
        s->status = cs->exception_index < 0 ? HV_TESTDEV_AGAIN
                                            : cs->exception_index;
    }
    if (!bql_locked()) {
        bql_lock();
    }
    if (s->command == HV_TESTDEV_DO_CALL) {
        hv_testdev_store_regs(s, env);
    }
    cs->exception_index = -1;
    env->old_exception = -1;
    cs->halted = 0;
    env->hflags = hflags;
    env->cr[0] = cr0;
    env->efer = efer;
    env->eip = eip;
}

static void hv_testdev_take_irq(HvTestdev *s, X86CPU *cpu)
{
    APICCommonState *apic = APIC_COMMON(cpu->apic_state);
    int vector;

    /* as an operating system leaves it: APIC on, 8259 not connected */
    apic->spurious_vec |= APIC_SV_ENABLE;
    apic->lvt[APIC_LVT_LINT0] |= APIC_LVT_MASKED;
    vector = apic_get_interrupt(cpu->apic_state);
    if (vector == (apic->spurious_vec & 0xff)) {
        vector = -1;
    }
    *hv_testdev_reg(s, HV_TESTDEV_RAX) = (int64_t)vector;
}

static void hv_testdev_eoi(HvTestdev *s, X86CPU *cpu)
{
    APICCommonState *apic = APIC_COMMON(cpu->apic_state);
    uint32_t in_service = 0;

    for (size_t i = 0; i < ARRAY_SIZE(apic->isr); i++) {
        in_service |= apic->isr[i];
    }
    if (in_service) {
        apic_signal_eoi(cpu->apic_state);
    }
    *hv_testdev_reg(s, HV_TESTDEV_RAX) = in_service != 0;
}

/* An atomic exchange in guest memory, as a guest does on shared pages */
static void hv_testdev_xchg(HvTestdev *s)
{
    uint64_t *rax = hv_testdev_reg(s, HV_TESTDEV_RAX);
    hwaddr gpa = *hv_testdev_reg(s, HV_TESTDEV_RDX);
    hwaddr bytes = 8;
    void *hva;

    hva = address_space_map(&address_space_memory, gpa, &bytes, true,
                            MEMTXATTRS_UNSPECIFIED);
    if (!hva || bytes < 8 || !QEMU_PTR_IS_ALIGNED(hva, 8)) {
        s->status = HV_TESTDEV_NOT_MEMORY;
    } else {
        *rax = le64_to_cpu(qatomic_xchg((uint64_t *)hva, cpu_to_le64(*rax)));
        s->status = HV_TESTDEV_OK;
    }
    if (hva) {
        address_space_unmap(&address_space_memory, hva, bytes, true, bytes);
    }
}

static void hv_testdev_run_on_cpu(CPUState *cs, run_on_cpu_data data)
{
    HvTestdev *s = data.host_ptr;

    s->status = HV_TESTDEV_OK;
    switch (s->command) {
    case HV_TESTDEV_DO_TAKE_IRQ:
        hv_testdev_take_irq(s, X86_CPU(cs));
        break;
    case HV_TESTDEV_DO_EOI:
        hv_testdev_eoi(s, X86_CPU(cs));
        break;
    case HV_TESTDEV_DO_XCHG:
        hv_testdev_xchg(s);
        break;
    default:
        hv_testdev_guarded(s, cs);
        break;
    }
}

static uint64_t hv_testdev_read(void *opaque, hwaddr addr, unsigned bytes)
{
    HvTestdev *s = opaque;

    if (addr == HV_TESTDEV_COMMAND) {
        return s->status;
    }
    return addr < HV_TESTDEV_REGS_BYTES ? *hv_testdev_reg(s, addr) : 0;
}

static void hv_testdev_write(void *opaque, hwaddr addr, uint64_t val,
                             unsigned bytes)
{
    HvTestdev *s = opaque;
    CPUState *cs;

    if (addr == HV_TESTDEV_COMMAND) {
        cs = qemu_get_cpu(*hv_testdev_reg(s, HV_TESTDEV_VP));
        if (!cs) {
            s->status = HV_TESTDEV_NO_VP;
            return;
        }
        s->command = val;
        run_on_cpu(cs, hv_testdev_run_on_cpu, RUN_ON_CPU_HOST_PTR(s));
    } else if (addr < HV_TESTDEV_REGS_BYTES) {
        *hv_testdev_reg(s, addr) = val;
    }
}

static const MemoryRegionOps hv_testdev_ops = {
    .read = hv_testdev_read,
    .write = hv_testdev_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 8, .max_access_size = 8 },
    .impl = { .min_access_size = 8, .max_access_size = 8 },
};

static void hv_testdev_realize(DeviceState *dev, Error **errp)
{
    HvTestdev *s = HV_TESTDEV(dev);
    CPUState *cs;

    if (!tcg_enabled()) {
        CPU_FOREACH(cs) {
            if (!hv_tcg_expand_features(X86_CPU(cs), errp) ||
                !hv_tcg_cpu_realize(X86_CPU(cs), errp)) {
                return;
            }
        }
    }
    memory_region_init_io(&s->mmio, OBJECT(s), &hv_testdev_ops, s,
                          TYPE_HV_TESTDEV, HV_TESTDEV_BYTES);
    memory_region_add_subregion_overlap(get_system_memory(), HV_TESTDEV_GPA,
                                        &s->mmio, 1);
}

static void hv_testdev_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    dc->realize = hv_testdev_realize;
    dc->desc = "Hyper-V partition test device";
    dc->hotpluggable = false;
    dc->user_creatable = true;
    set_bit(DEVICE_CATEGORY_MISC, dc->categories);
}

static const TypeInfo hv_testdev_types[] = {
    {
        .name = TYPE_HV_TESTDEV,
        .parent = TYPE_DEVICE,
        .instance_size = sizeof(HvTestdev),
        .class_init = hv_testdev_class_init,
    },
};

DEFINE_TYPES(hv_testdev_types)
