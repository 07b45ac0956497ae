/*
 * ELF notes: what loaders and tools read from the file without running it.
 * Form: name size, descriptor size, type, name, descriptor, each padded to 4 bytes (System V ABI, "Note Section").
 */
#include "xen.h"

/* xen/include/public/elfnote.h. Xen's own parser takes numbers of 4 or 8 bytes and strings with their NUL. */
.macro xen_note type, directive, value:vararg
        .pushsection .note.Xen, "a", @note
        .balign 4
        .long   4, 2f - 1f, \type
        .asciz  "Xen"
1:      \directive \value
2:      .balign 4
        .popsection
.endm

        xen_note XEN_ELFNOTE_GUEST_OS,           .asciz, "glassmaster-standin"
        xen_note XEN_ELFNOTE_GUEST_VERSION,      .asciz, "1"
        xen_note XEN_ELFNOTE_XEN_VERSION,        .asciz, "xen-3.0"
        xen_note XEN_ELFNOTE_LOADER,             .asciz, "generic"
        xen_note XEN_ELFNOTE_PAE_MODE,           .asciz, "yes"
        xen_note XEN_ELFNOTE_VIRT_BASE,          .quad,  VIRT_BASE
        xen_note XEN_ELFNOTE_PADDR_OFFSET,       .quad,  0      /* p_paddr is counted from VIRT_BASE */
        xen_note XEN_ELFNOTE_ENTRY,              .quad,  start
        xen_note XEN_ELFNOTE_HYPERCALL_PAGE,     .quad,  hypercall_page
/* No feature is required. With this note Xen refuses to start a dom0 that does not name the dom0 feature. */
        xen_note XEN_ELFNOTE_SUPPORTED_FEATURES, .quad,  1 << XENFEAT_DOM0

/*
 * NetBSD's identification, which says for which release the kernel is (here: in whose place it stands):
 * name "NetBSD", type 1, __NetBSD_Version__ (NetBSD src/sys/sys/exec_elf.h, ELF_NOTE_TYPE_NETBSD_TAG).
 */
        .section .note.netbsd.ident, "a", @note
        .balign 4
        .long   7, 4, 1
        .asciz  "NetBSD"
        .balign 4
        .long   STANDIN_NETBSD_VERSION

        .section .note.GNU-stack, "", @progbits
