/*
 * The console. dom0 writes through a hypercall; a domU puts bytes into a ring that xenconsoled in dom0 empties
 * (xen/include/public/io/console.h) and tells it so by an event.
 */
#include "kernel.h"

#define DRAIN_LIMIT (30 * CLOCK_S)      /* without a reader the kernel must still come to its end */

struct console_ring {
    char in[1024];
    char out[2048];
    u32 in_cons, in_prod;
    u32 out_cons, out_prod;
};

static volatile struct console_ring *ring;

void console_start(void)
{
    if (!is_dom0())
        ring = machine_map(MAP_CONSOLE, start_info->console.domU.mfn);
}

static void notify(void)
{
    u32 port = start_info->console.domU.evtchn;

    hypercall(HYPERCALL_EVENT_CHANNEL_OP, EVTCHNOP_SEND, (u64)&port, 0, 0);
}

/* Wait until the ring holds at most so many bytes. The indexes run freely and are reduced when used. */
static int wait_for(u32 bytes)
{
    u64 since = 0;

    while (ring->out_prod - ring->out_cons > bytes) {
        notify();
        if (!clock_wait(&since, DRAIN_LIMIT))
            return 0;
    }
    return 1;
}

static void ring_put(char c)
{
    if (!wait_for(sizeof ring->out - 1))
        return;
    ring->out[ring->out_prod % sizeof ring->out] = c;
    __asm__ volatile("" ::: "memory");  /* x86 keeps stores in order; the compiler must, too */
    ring->out_prod++;
}

void console_drain(void)
{
    if (ring)
        wait_for(0);
}

/* One line. Xen's serial driver adds carriage returns for dom0; nobody does for a domU, whose console is a raw pty. */
void say(const char *format, ...)
{
    static char line[MAX_CMDLINE + 64];
    va_list arguments;

    __builtin_va_start(arguments, format);
    size_t length = text_format(line, sizeof line - 1, format, arguments);
    __builtin_va_end(arguments);
    line[length++] = '\n';

    if (is_dom0()) {
        hypercall(HYPERCALL_CONSOLE_IO, CONSOLEIO_WRITE, length, (u64)line, 0);
    } else if (ring) {
        for (size_t i = 0; i < length; i++) {
            if (line[i] == '\n')
                ring_put('\r');
            ring_put(line[i]);
        }
        notify();
    }
}
