/*
 * Connecting to a virtual disk, as far as a backend needs it to open the disk and say how large it is: a ring page that
 * it may map and an event channel that it may bind, both announced in xenstore. No request is ever put into the ring.
 * xen/include/public/io/{blkif,ring,xenbus,protocols}.h, grant_table.h.
 */
#include "kernel.h"

#define DISKS           16
#define FIRST_REFERENCE 8               /* those below are the toolstack's (GNTTAB_NR_RESERVED_ENTRIES) */
#define ANSWER_LIMIT    (5 * CLOCK_S)

struct grant_entry {                    /* version 1, with which every domain starts */
    u16 flags;
    u16 domain;
    u32 mfn;
};

struct shared_ring {
    u32 request_produced, request_event;
    u32 response_produced, response_event;
};

static u8 rings[DISKS][PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));

static volatile struct grant_entry *grant_table(void)
{
    static volatile struct grant_entry *table;
    u64 mfn = 0;
    struct gnttab_setup_table setup = { .domain = DOMID_SELF, .nr_frames = 1, .frame_list = &mfn };

    if (!table && hypercall(HYPERCALL_GRANT_TABLE_OP, GNTTABOP_SETUP_TABLE, (u64)&setup, 1, 0) == 0
        && setup.status == 0)
        table = machine_map(MAP_GRANTS, mfn);
    return table;
}

/* Let another domain map one of our pages. mfn_list says which machine page is behind it. */
static int grant(u32 reference, u16 domain, const void *page)
{
    volatile struct grant_entry *table = grant_table();

    if (!table)
        return 0;
    table[reference].domain = domain;
    table[reference].mfn = (u32)((const u64 *)start_info->mfn_list)[((u64)page - VIRT_BASE) / PAGE_SIZE];
    __asm__ volatile("" ::: "memory");  /* the flags make the entry valid, so they come last */
    table[reference].flags = GTF_PERMIT_ACCESS;
    return 1;
}

static int announce(const char *frontend, const char *key, u32 number)
{
    char text[16];

    text_print(text, sizeof text, "%u", number);
    return xenstore_write(frontend, key, text);
}

/* Returns whether the backend says that it is connected. */
int disk_connect(const char *frontend, const char *backend, u16 backend_domain)
{
    static u32 count;
    struct evtchn_alloc_unbound channel = { .domain = DOMID_SELF, .remote = backend_domain };
    u32 reference = FIRST_REFERENCE + count;
    char state[8];

    if (count == DISKS)
        return 0;
    struct shared_ring *ring = (void *)rings[count++];

    ring->request_event = ring->response_event = 1;
    if (!grant(reference, backend_domain, ring)
        || hypercall(HYPERCALL_EVENT_CHANNEL_OP, EVTCHNOP_ALLOC_UNBOUND, (u64)&channel, 0, 0) != 0
        || !announce(frontend, "ring-ref", reference)
        || !announce(frontend, "event-channel", channel.port)
        || !xenstore_write(frontend, "protocol", "x86_64-abi")
        || !announce(frontend, "state", XENBUS_INITIALISED))
        return 0;

    u64 since = 0;

    do {
        if (xenstore_read(backend, "state", state, sizeof state) && text_number(state) == XENBUS_CONNECTED)
            return announce(frontend, "state", XENBUS_CONNECTED);
    } while (clock_wait(&since, ANSWER_LIMIT));
    return 0;
}
