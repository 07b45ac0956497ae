/*
 * glassmaster's stand-in kernel: says what Xen gave it, one fact a line, and powers off.
 * It stands in for NetBSD's XEN3_DOM0 and XEN3_DOMU where a real boot is wanted and NetBSD is not at hand.
 */
#include "kernel.h"
#include "config_file.h"        /* static const char config[] __attribute__((used)): the embedded configuration */

#define PAGES_PER_MIB (1024 * 1024 / PAGE_SIZE)

int is_dom0(void)
{
    return (start_info->flags & SIF_INITDOMAIN) != 0;
}

static void say_xen(void)
{
    static char text[MAX_CMDLINE + 1];  /* longer than both answers, so it always ends in NUL */
    s64 version = hypercall(HYPERCALL_XEN_VERSION, XENVER_VERSION, 0, 0, 0);

    hypercall(HYPERCALL_XEN_VERSION, XENVER_EXTRAVERSION, (u64)text, 0, 0);
    say("standin: xen: %u.%u%s", (u32)version >> 16, (u32)version & 0xffff, text);
    memset(text, 0, sizeof text);
    if (is_dom0() && hypercall(HYPERCALL_XEN_VERSION, XENVER_COMMANDLINE, (u64)text, 0, 0) == 0)
        say("standin: xen command line: %s", text);
}

/*
 * memory_op takes the domain by address and returns a number of pages or a negative error. The highest 32-bit number is
 * what a dom0 has that was given no limit (dom0_mem without max:).
 */
static void say_reservation(const char *what, u32 operation)
{
    u16 domain = DOMID_SELF;
    s64 pages = hypercall(HYPERCALL_MEMORY_OP, operation, (u64)&domain, 0, 0);

    if (pages == 0xffffffff)
        say("standin: %s reservation: unlimited", what);
    else if (pages >= 0)
        say("standin: %s reservation: %lu MiB (%lu pages)", what, (u64)pages / PAGES_PER_MIB, (u64)pages);
}

static void say_memory(void)
{
    say("standin: memory: %lu MiB (%lu pages)", start_info->nr_pages / PAGES_PER_MIB, start_info->nr_pages);
    say_reservation("current", XENMEM_CURRENT_RESERVATION);
    say_reservation("maximum", XENMEM_MAXIMUM_RESERVATION);
}

static void say_start_info(void)
{
    say("standin: start-info: magic \"%s\", flags 0x%x", start_info->magic, start_info->flags);
    say("standin: page tables: %lu frames at 0x%lx", start_info->nr_pt_frames, start_info->pt_base);
    say("standin: p2m: at 0x%lx, %lu frames from pfn %lu", start_info->mfn_list, start_info->nr_p2m_frames,
        start_info->first_p2m_pfn);
    say("standin: module: %lu bytes at 0x%lx", start_info->mod_len, start_info->mod_start);
}

/* CPUs that were never started answer 0 ("not up"), those that do not exist with an error. */
static void say_vcpus(void)
{
    u32 count = 0;

    while (hypercall(HYPERCALL_VCPU_OP, VCPUOP_IS_UP, count, 0, 0) >= 0)
        count++;
    say("standin: vcpus: %u", count);
}

_Noreturn void main(void)
{
    console_start();
    say("glassmaster stand-in kernel (%s): this is not NetBSD", STANDIN_CONFIG);
    say_xen();
    say("standin: role: %s", is_dom0() ? "dom0" : "domU");
    say("standin: command line: %s", start_info->cmd_line);
    say_memory();
    say_start_info();
    say_vcpus();
    if (!is_dom0())
        devices_report();
    if (text_has_word(start_info->cmd_line, "standin.panic")) {
        say("panic: asked for by standin.panic");
        power_crash();
    }
    if (text_has_word(start_info->cmd_line, "standin.hold")) {
        say("standin: holding");
        power_hold();
    }
    power_off();
}
