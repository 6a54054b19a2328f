/*
 * Paravisor test device: its registers
 *
 * The device is a driver in VTL2 that does what a qtest tells it, by registers in
 * VTL0's memory.  All registers are 64 bits wide.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef VTL2_TESTDEV_DEFS_H
#define VTL2_TESTDEV_DEFS_H

#define TYPE_VTL2_TESTDEV       "vtl2-testdev"

#define VTL2_TESTDEV_GPA        0xfed90000ull
#define VTL2_TESTDEV_BYTES      0x1000

#define VTL2_TESTDEV_ARG(n)     ((n) * 8)       /* 0 to 2 */
/* Write: execute VTL2_TESTDEV_DO_*.  Read: 1 if it could be done */
#define VTL2_TESTDEV_COMMAND    0x20
#define VTL2_TESTDEV_RESULT     0x28
/* Calls that the driver has had */
#define VTL2_TESTDEV_STARTS     0x40
#define VTL2_TESTDEV_RESETS     0x48
#define VTL2_TESTDEV_REMOVALS   0x50
#define VTL2_TESTDEV_TIMEOUTS   0x58
#define VTL2_TESTDEV_INTERRUPTS(vector) (0x80 + (vector) * 8)
#define VTL2_TESTDEV_VECTORS    16

#define VTL2_TESTDEV_DO_CLAIM   1       /* the function of the property */
#define VTL2_TESTDEV_DO_RELEASE 2
#define VTL2_TESTDEV_DO_READ32  3       /* BAR, offset */
#define VTL2_TESTDEV_DO_READ64  4
#define VTL2_TESTDEV_DO_WRITE32 5       /* BAR, offset, value */
#define VTL2_TESTDEV_DO_WRITE64 6
#define VTL2_TESTDEV_DO_BYTES   7       /* BAR */
#define VTL2_TESTDEV_DO_ALLOC   8       /* bytes; result: address */
#define VTL2_TESTDEV_DO_FREE    9       /* address */
#define VTL2_TESTDEV_DO_PEEK    10      /* address of a qword */
#define VTL2_TESTDEV_DO_POKE    11      /* address of a qword, value */
#define VTL2_TESTDEV_DO_TIMER   12      /* nanoseconds from now, ~0: never */
#define VTL2_TESTDEV_DO_VECTORS 13      /* result: how many there are */
#define VTL2_TESTDEV_DO_ENABLE  14      /* vector, 0 or 1 */
#define VTL2_TESTDEV_DO_RESET   15      /* the function */
#define VTL2_TESTDEV_DO_MAP     16      /* guest address; result: VTL2's */
#define VTL2_TESTDEV_DO_UNPLUG  17      /* ask for it, then reset the function */

#endif /* VTL2_TESTDEV_DEFS_H */
