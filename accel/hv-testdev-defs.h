/*
 * Hyper-V test device: its registers
 *
 * The device executes, on behalf of a VP, what guest code would execute: an MSR
 * access, CPUID, a hypercall, taking an interrupt.  A qtest has no running vCPU
 * and uses it instead.  All registers are 64 bits wide.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HV_TESTDEV_DEFS_H
#define HV_TESTDEV_DEFS_H

#define TYPE_HV_TESTDEV         "hv-testdev"

#define HV_TESTDEV_GPA          0xfed80000ull
#define HV_TESTDEV_BYTES        0x1000

/* Arguments and results; the names are those of the x86 registers */
#define HV_TESTDEV_VP           0x00    /* index of the CPU that executes */
#define HV_TESTDEV_RAX          0x08
#define HV_TESTDEV_RBX          0x10
#define HV_TESTDEV_RCX          0x18
#define HV_TESTDEV_RDX          0x20
#define HV_TESTDEV_R8           0x28
#define HV_TESTDEV_MODE         0x30    /* HV_TESTDEV_MODE_* */
#define HV_TESTDEV_CPL          0x38
/* Write: execute HV_TESTDEV_DO_*.  Read: HV_TESTDEV_OK or exception number */
#define HV_TESTDEV_COMMAND      0x40
#define HV_TESTDEV_REGS_BYTES   0x48

#define HV_TESTDEV_MODE_LONG    0
#define HV_TESTDEV_MODE_PROT32  1
#define HV_TESTDEV_MODE_REAL    2

#define HV_TESTDEV_DO_RDMSR     1       /* RCX: MSR; result in RAX */
#define HV_TESTDEV_DO_WRMSR     2       /* RCX: MSR, RAX: value */
#define HV_TESTDEV_DO_CPUID     3       /* RAX, RCX in; RAX to RDX out */
#define HV_TESTDEV_DO_CALL      4       /* VMCALL */
#define HV_TESTDEV_DO_TAKE_IRQ  5       /* RAX: vector taken, or ~0 for none */
#define HV_TESTDEV_DO_EOI       6       /* RAX: 1 if a vector was in service */
#define HV_TESTDEV_DO_XCHG      7       /* RDX: GPA, RAX: in new, out old qword */

/* Status values that are not exception numbers */
#define HV_TESTDEV_OK           0x100
#define HV_TESTDEV_NO_VP        0x101
#define HV_TESTDEV_NOT_MEMORY   0x102
#define HV_TESTDEV_UNKNOWN      0x103   /* hook did not claim the access */
#define HV_TESTDEV_AGAIN        0x104   /* the instruction is to be repeated */

#endif /* HV_TESTDEV_DEFS_H */
