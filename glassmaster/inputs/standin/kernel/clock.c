/*
 * Time, from one hypercall (xen/include/public/vcpu.h, VCPUOP_get_runstate_info): how long this CPU has been in each
 * of its four states, and when (system time, ns) it entered the present one. No interrupt, no trap table and no shared
 * page are needed.
 */
#include "kernel.h"

#define TICK (10 * CLOCK_MS)

static struct vcpu_runstate_info runstate(void)
{
    struct vcpu_runstate_info now;

    hypercall(HYPERCALL_VCPU_OP, VCPUOP_GET_RUNSTATE_INFO, 0, (u64)&now, 0);
    return now;
}

/*
 * Sleep a little more than 10 ms: a domU that waited in a busy loop would hold up the dom0 it waits for. Returns 0 once
 * limit (ns) has passed since the first call; *since is 0 before that one.
 *
 * A poll on no event channel at all ends with its timeout, which must not have passed already, or it would not sleep.
 * time[0] is all the running that this CPU ever did, so at least what it did since it last began to run.
 */
int clock_wait(u64 *since, u64 limit)
{
    struct vcpu_runstate_info now = runstate();
    u64 age = now.time[0] + now.time[1] + now.time[2] + now.time[3];
    struct sched_poll poll = { .timeout = now.state_entry_time + now.time[0] + TICK };

    if (!*since)
        *since = age;
    if (age - *since >= limit)
        return 0;
    hypercall(HYPERCALL_SCHED_OP, SCHEDOP_POLL, (u64)&poll, 0, 0);
    return 1;
}

/* A poll without a timeout, too. Not SCHEDOP_block: that lets events in, and there is no handler for them. */
_Noreturn void clock_stop(void)
{
    struct sched_poll poll = { 0 };

    for (;;)
        hypercall(HYPERCALL_SCHED_OP, SCHEDOP_POLL, (u64)&poll, 0, 0);
}
