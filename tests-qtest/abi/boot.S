/*
 * Guest ABI tests: entry from multiboot, long mode, AP trampoline, exceptions
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#define MB_MAGIC    0x1badb002
#define MB_FLAGS    0x00010003          /* page align, memory info, addresses */
#define AP_BASE     0x8000
#define STACK_BYTES 16384

    .section .text.boot, "ax"
    .code32
    .align 4
mb_header:
    .long MB_MAGIC
    .long MB_FLAGS
    .long -(MB_MAGIC + MB_FLAGS)
    .long mb_header
    .long _start
    .long _edata
    .long _end
    .long entry32

    .globl entry32
entry32:
    cli
    movl %ebx, mb_info
    movl $boot_stack_end, %esp
    call build_page_tables
    call prot_mode_tests            /* what has to run in 32-bit mode */
    call enable_long
    lgdt gdt_ptr
    ljmp $0x08, $start64

/* identity map of 4 GiB with 2 MiB pages */
build_page_tables:
    movl $pdpt + 7, pml4
    movl $pd + 7, %eax
    movl $pdpt, %edi
    movl $4, %ecx
1:  movl %eax, (%edi)
    addl $4096, %eax
    addl $8, %edi
    loop 1b
    movl $0x87, %eax                /* present, writable, user, 2 MiB */
    movl $pd, %edi
    movl $2048, %ecx
2:  movl %eax, (%edi)
    addl $0x200000, %eax
    addl $8, %edi
    loop 2b
    ret

enable_long:
    movl %cr4, %eax
    orl $0x620, %eax                /* PAE, OSFXSR, OSXMMEXCPT */
    movl %eax, %cr4
    movl $pml4, %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx
    rdmsr
    orl $0x100, %eax                /* LME */
    wrmsr
    movl %cr0, %eax
    andl $0xfffffffb, %eax          /* no EM */
    orl $0x80000003, %eax           /* PG, MP, PE */
    movl %eax, %cr0
    ret

/*
 * A hypercall in 32-bit protected mode without paging: control in EDX:EAX, input
 * EBX:ECX, output EDI:ESI, result EDX:EAX.  The results are checked in C later.
 */
prot_mode_tests:
    movl $0x40000000, %eax          /* only on Hyper-V: max leaf */
    cpuid
    cmpl $0x7263694d, %ebx          /* "Micr" */
    jne 1f
    movl $0x40000000, %ecx          /* guest OS id */
    movl $1, %eax
    movl $0x81000000, %edx
    wrmsr
    movl $0x10008, %eax             /* fast NOTIFY_LONG_SPIN_WAIT */
    xorl %edx, %edx
    xorl %ebx, %ebx
    movl $1, %ecx
    xorl %edi, %edi
    xorl %esi, %esi
    vmcall
    movl %eax, prot_result
    movl %edx, prot_result + 4
    movl $0x40000000, %ecx
    xorl %eax, %eax
    xorl %edx, %edx
    wrmsr
1:  ret

    .code64
start64:
    movw $0x10, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movl $boot_stack_end, %esp
    movl mb_info, %edi
    call main
1:  hlt
    jmp 1b

/* --- application processors: copied to AP_BASE --- */
    .globl ap_trampoline, ap_trampoline_end
    .code16
ap_trampoline:
    cli
    xorw %ax, %ax
    movw %ax, %ds
    lgdtl AP_BASE + (ap_gdt_ptr - ap_trampoline)
    movl %cr0, %eax
    orl $1, %eax
    movl %eax, %cr0
    ljmpl $0x18, $(AP_BASE + (ap32 - ap_trampoline))
    .code32
ap32:
    movw $0x20, %ax
    movw %ax, %ds
    movw %ax, %ss
    movl $enable_long, %eax
    movl $(AP_BASE + 0xf00), %esp
    call *%eax
    ljmp $0x08, $ap64
    .align 8
ap_gdt_ptr:
    .word gdt_end - gdt - 1
    .long gdt
ap_trampoline_end:

    .code64
ap64:
    movw $0x10, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movl $1, %eax
    lock xaddl %eax, ap_next
    movl %eax, %edi                 /* AP number, 1.. */
    imull $STACK_BYTES, %eax, %ecx
    leaq ap_stacks(%rcx), %rsp
    call ap_main
1:  hlt
    jmp 1b

/* --- exceptions and interrupts: 256 stubs of 16 bytes --- */
    .globl isr_stubs
    .align 16
isr_stubs:
    .set vec, 0
    .rept 256
    .align 16
    .if (vec == 8) || (vec >= 10 && vec <= 14) || (vec == 17) || (vec == 21)
    nop
    nop
    .else
    pushq $0
    .endif
    pushq $vec
    jmp isr_common
    .set vec, vec + 1
    .endr

isr_common:
    pushq %rax
    pushq %rcx
    pushq %rdx
    pushq %rbx
    pushq %rbp
    pushq %rsi
    pushq %rdi
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, %rdi
    cld
    call isr_handler
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rdi
    popq %rsi
    popq %rbp
    popq %rbx
    popq %rdx
    popq %rcx
    popq %rax
    addq $16, %rsp
    iretq

/*
 * uint64_t guarded(void (*fn)(void *), void *arg): run fn; if it faults, the
 * handler comes back here with the vector in RAX, else -1.
 */
    .globl guarded
guarded:
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, guard_rsp
    leaq 1f(%rip), %rax
    movq %rax, guard_rip
    movq %rdi, %rax
    movq %rsi, %rdi
    call *%rax
    movq $-1, %rax
1:  movq $0, guard_rip
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    ret

/* void enter_ring3(void (*fn)(void)): comes back only by a fault (guarded) */
    .globl enter_ring3
enter_ring3:
    pushq $0x33                     /* SS, RPL 3 */
    leaq ring3_stack_end(%rip), %rax
    pushq %rax
    pushq $2
    pushq $0x2b                     /* CS, RPL 3 */
    pushq %rdi
    iretq

    .data
    .align 16
    .globl gdt, gdt_end
gdt:
    .quad 0
    .quad 0x00af9b000000ffff        /* 08 code, 64 bit */
    .quad 0x00cf93000000ffff        /* 10 data */
    .quad 0x00cf9b000000ffff        /* 18 code, 32 bit */
    .quad 0x00cf93000000ffff        /* 20 data */
    .quad 0x00affb000000ffff        /* 28 user code, 64 bit */
    .quad 0x00cff3000000ffff        /* 30 user data */
    .globl tss_desc
tss_desc:
    .quad 0, 0                      /* 38 TSS */
gdt_end:
gdt_ptr:
    .word gdt_end - gdt - 1
    .long gdt
    .globl guard_rip, guard_rsp, prot_result, ap_next
    .align 8
guard_rip:      .quad 0
guard_rsp:      .quad 0
prot_result:    .quad -1
mb_info:        .long 0
ap_next:        .long 1

    .bss
    .align 4096
    .globl pml4, pd
pml4:   .skip 4096
pdpt:   .skip 4096
pd:     .skip 16384
    .skip STACK_BYTES
boot_stack_end:
    .skip 4096
ring3_stack_end:
ap_stacks:
    .skip STACK_BYTES * 65
    .globl isr_stack_end
    .skip 8192
isr_stack_end:

    .section .note.GNU-stack, "", @progbits
