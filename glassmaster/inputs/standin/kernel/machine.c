/*
 * Machine memory: pages that are known by machine address only (pages that a domU shares, ACPI tables of the host).
 * Each gets a page of our own address space, whose mapping is replaced (xen/include/public/xen.h,
 * HYPERVISOR_update_va_mapping); Xen checks that this domain may have it.
 */
#include "kernel.h"

/* Intel SDM volume 3, "4-level paging": Xen adds the user bit itself, since a PV kernel runs in ring 3. */
#define PTE_PRESENT  0x01ul
#define PTE_WRITE    0x02ul
#define PTE_ACCESSED 0x20ul
#define PTE_DIRTY    0x40ul

static u8 pages[MAP_COUNT][PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));

static int map(enum map which, u64 mfn, u64 bits)
{
    u64 entry = mfn * PAGE_SIZE | PTE_PRESENT | PTE_ACCESSED | bits;

    return hypercall(HYPERCALL_UPDATE_VA_MAPPING, (u64)pages[which], entry, UVMF_INVLPG, 0) == 0;
}

/* A page shared with another domain, for good. */
void *machine_map(enum map which, u64 mfn)
{
    return map(which, mfn, PTE_WRITE | PTE_DIRTY) ? pages[which] : 0;
}

/* Copy from any machine address that Xen lets us see, through one read-only window. */
int machine_read(u64 address, void *to, size_t length)
{
    static u64 mapped;          /* page number; 0 is never asked for */
    u8 *out = to;

    for (; length; length--, address++) {
        u64 mfn = address / PAGE_SIZE;

        if (mfn != mapped) {
            mapped = 0;
            if (!map(MAP_WINDOW, mfn, 0))
                return 0;
            mapped = mfn;
        }
        *out++ = ((volatile u8 *)pages[MAP_WINDOW])[address % PAGE_SIZE];
    }
    return 1;
}
