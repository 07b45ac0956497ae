/*
 * Entry and hypercalls. Xen starts a PV guest in 64-bit mode with paging on, the kernel mapped at VIRT_BASE, a small
 * stack and the start_info page in %rsi (xen/include/public/xen.h, "Start-of-day memory layout"): nothing to set up.
 */
#include "xen.h"

        .text
        .globl  start
start:
        cld
        mov     %rsi, start_info(%rip)
        lea     stack_top(%rip), %rsp
        xor     %ebp, %ebp
        call    main
        ud2                             /* main does not return */

/*
 * s64 hypercall(number, a, b, c, d). Xen fills hypercall_page with one 32-byte routine for each number; they take
 * %rdi, %rsi, %rdx and %r10 where a C call has %rsi, %rdx, %rcx and %r8, and may clobber them.
 */
        .globl  hypercall
hypercall:
        mov     %edi, %eax
        shl     $5, %eax
        lea     hypercall_page(%rip), %r11
        add     %r11, %rax
        mov     %rsi, %rdi
        mov     %rdx, %rsi
        mov     %rcx, %rdx
        mov     %r8, %r10
        jmp     *%rax

        .balign PAGE_SIZE
        .globl  hypercall_page
hypercall_page:
        .skip   PAGE_SIZE, 0xcc         /* int3: whoever calls before Xen has filled it is stopped */

        .bss
        .balign 16
        .skip   4 * PAGE_SIZE
stack_top:
        .globl  start_info
        .balign 8
start_info:
        .skip   8

        .section .note.GNU-stack, "", @progbits
