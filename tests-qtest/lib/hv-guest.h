/*
 * A Hyper-V guest in a qtest: its RAM, its MSRs, hypercalls and interrupts
 *
 * The guest's RAM is a file that the test maps too, so that a thread of the test
 * can act as a second processor.  What the partition lays over RAM (message and
 * event flag pages) is not in that file: it is reached through QEMU.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HV_GUEST_H
#define HV_GUEST_H

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/units.h"
#include "tests/qtest/libqtest.h"
#include "accel/hyperv/hv-defs.h"
#include "accel/hyperv/hv-testdev-defs.h"
#include "guest-host.h"

#define HV_GUEST_RAM_BYTES      (128 * MiB)
#define HV_GUEST_VPS            4
#define HV_GUEST_HEAP_GPA       (16 * MiB)
#define HV_GUEST_NO_VECTOR      (-1)
/* what Linux uses for SINT2 */
#define HV_GUEST_VECTOR         0xf3
/* every wait for QEMU ends after this, in real time */
#define HV_GUEST_TIMEOUT_US     (20 * G_USEC_PER_SEC)

/* CPU properties that a VMBus guest needs, and everything a qtest can use */
#define HV_GUEST_CPU \
    "qemu64,hv-vpindex=on,hv-synic=on,hv-stimer=on,hv-stimer-direct=on," \
    "hv-time=on,hv-runtime=on,hv-relaxed=on,hv-vapic=on,hv-reset=on," \
    "hv-crash=on,hv-frequencies=on,hv-ipi=on,hv-xmm-input=on"

typedef struct HvGuestVp {
    uint64_t simp_gpa;          /* 0: off */
    uint64_t siefp_gpa;
} HvGuestVp;

/* The test device's registers, in its order: one write executes, one read gets */
typedef struct HvGuestRegs {
    uint64_t vp;
    uint64_t rax;
    uint64_t rbx;
    uint64_t rcx;
    uint64_t rdx;
    uint64_t r8;
    uint64_t mode;
    uint64_t cpl;
    uint64_t command;           /* out: status */
} HvGuestRegs;
QEMU_BUILD_BUG_ON(offsetof(HvGuestRegs, command) != HV_TESTDEV_COMMAND);

typedef struct HvGuest {
    QTestState *qts;
    char *args;                 /* what QEMU was started with */
    GuestRam ram;
    char *log_path;             /* QEMU's stderr */
    uint64_t heap_gpa;          /* next page to give out */
    uint64_t call_gpa;          /* page for hypercall input and output */
    HvGuestVp vp[HV_GUEST_VPS];
} HvGuest;

/* Start QEMU with @extra arguments.  Never fails: the test aborts */
HvGuest *hv_guest_start(const char *extra);
/* As above, with the CPU model and properties @cpu */
HvGuest *hv_guest_start_cpu(const char *cpu, const char *extra);
/* Checks that QEMU is alive and ends it */
void hv_guest_stop(HvGuest *g);
/*
 * Continue in a second QEMU with the same arguments, by migration.  The guest's
 * memory is copied, so pointers into it are void.
 */
void hv_guest_migrate(HvGuest *g);
/* Reset the machine and forget what the guest had set up; keeps the heap */
void hv_guest_reset(HvGuest *g);

/* @count zeroed pages in a row; freed with the guest */
uint64_t hv_guest_alloc(HvGuest *g, unsigned count);
/* Where the test sees RAM at @gpa; not for overlay pages */
void *hv_guest_ptr(HvGuest *g, uint64_t gpa);

/* True unless the access raised #GP; anything else aborts the test */
bool hv_guest_wrmsr(HvGuest *g, unsigned vp, uint32_t msr, uint64_t val);
bool hv_guest_rdmsr(HvGuest *g, unsigned vp, uint32_t msr, uint64_t *val);
/* The value; #GP aborts the test */
uint64_t hv_guest_msr(HvGuest *g, unsigned vp, uint32_t msr);
void hv_guest_cpuid(HvGuest *g, unsigned vp, uint32_t leaf, uint32_t out[4]);

/* One hypercall; returns RAX.  An exception aborts the test */
uint64_t hv_guest_hypercall(HvGuest *g, unsigned vp, uint64_t control,
                            uint64_t rdx, uint64_t r8);
/* As above; returns HV_TESTDEV_OK or the exception, @mode HV_TESTDEV_MODE_* */
uint64_t hv_guest_hypercall_mode(HvGuest *g, unsigned vp, unsigned mode,
                                 unsigned cpl, uint64_t control, uint64_t rdx,
                                 uint64_t r8, uint64_t *rax);
HvStatus hv_guest_post(HvGuest *g, unsigned vp, uint32_t conn_id,
                       uint32_t type, const void *payload, uint32_t bytes);
HvStatus hv_guest_signal(HvGuest *g, unsigned vp, uint32_t conn_id,
                         uint16_t flag);

/* Vector the VP takes now, without EOI, or HV_GUEST_NO_VECTOR */
int hv_guest_take_irq(HvGuest *g, unsigned vp);
/* True if a vector was in service */
bool hv_guest_eoi(HvGuest *g, unsigned vp);
/* Take and finish what is pending; number of interrupts of @vector */
unsigned hv_guest_drain_irqs(HvGuest *g, unsigned vp, uint8_t vector);

/* Set the OS id and the hypercall page, as a guest does first */
void hv_guest_enable_hypercalls(HvGuest *g);
/* Message and event page, SCONTROL, and @sint with HV_GUEST_VECTOR */
void hv_guest_enable_synic(HvGuest *g, unsigned vp, unsigned sint);
void hv_guest_disable_synic(HvGuest *g, unsigned vp);

/*
 * Take the message of @sint, if there is one: copy, clear the slot, signal end
 * of message if the host asked for it.
 */
bool hv_guest_poll_message(HvGuest *g, unsigned vp, unsigned sint,
                           HvMessageWire *msg);
/* As above, but wait for it; false after @timeout_us of real time */
bool hv_guest_wait_message(HvGuest *g, unsigned vp, unsigned sint,
                           HvMessageWire *msg, int64_t timeout_us);
/* Read and clear qword @idx of the event flags of @sint */
uint64_t hv_guest_take_flags(HvGuest *g, unsigned vp, unsigned sint,
                             unsigned idx);

/* Let QEMU's main loop run, and virtual time pass when @ns is not 0 */
void hv_guest_step(HvGuest *g, int64_t ns);

/* QEMU's memory without guest RAM, and what it wrote to stderr */
uint64_t hv_guest_rss_bytes(HvGuest *g);
/* That it grew by no more than @limit_bytes; a sanitized QEMU is not checked */
void hv_guest_check_rss(HvGuest *g, uint64_t before_bytes,
                        uint64_t limit_bytes);
uint64_t hv_guest_log_bytes(HvGuest *g);

#endif /* HV_GUEST_H */
