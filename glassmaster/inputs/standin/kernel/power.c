/*
 * The ways to end. Shutting down is enough for a domU; for dom0 Xen then only halts the machine
 * ("Hardware Dom0 halted: halting machine"), so dom0 first asks for the ACPI state S5, which really switches it off.
 */
#include "kernel.h"

static _Noreturn void shut_down(u32 reason)
{
    console_drain();
    hypercall(HYPERCALL_SCHED_OP, SCHEDOP_SHUTDOWN, (u64)&reason, 0, 0);
    __builtin_trap();
}

_Noreturn void power_off(void)
{
    struct acpi_s5 s5;
    const char *problem = is_dom0() ? acpi_find_s5(&s5) : 0;

    if (is_dom0() && problem)
        say("standin: acpi: %s, so Xen will halt the machine and not switch it off", problem);
    else if (is_dom0())
        say("standin: acpi: S5 is 0x%x for PM1a, 0x%x for PM1b", s5.pm1a, s5.pm1b);
    say("standin: powering off");

    if (is_dom0() && !problem) {
        struct platform_op op = { .cmd = XENPF_ENTER_ACPI_SLEEP, .interface_version = XENPF_INTERFACE_VERSION };

        op.u.sleep.pm1a = s5.pm1a;
        op.u.sleep.pm1b = s5.pm1b;
        op.u.sleep.sleep_state = 5;
        hypercall(HYPERCALL_PLATFORM_OP, (u64)&op, 0, 0, 0);
    }
    shut_down(SHUTDOWN_POWEROFF);
}

_Noreturn void power_crash(void)
{
    shut_down(SHUTDOWN_CRASH);
}

_Noreturn void power_hold(void)
{
    console_drain();
    clock_stop();
}
