/*
 * A xenstore client for a domU: one request at a time over the shared ring page, no watches, no transactions.
 * Wire format and operations: xen/include/public/io/xs_wire.h, docs/misc/xenstore.txt.
 */
#include "kernel.h"

#define XS_DIRECTORY 1
#define XS_READ      2
#define XS_WRITE     11
#define RING_SIZE    1024
#define PAYLOAD_MAX  4096
#define REPLY_LIMIT  (10 * CLOCK_S)     /* without progress */

struct store_ring {
    char req[RING_SIZE];
    char rsp[RING_SIZE];
    u32 req_cons, req_prod;
    u32 rsp_cons, rsp_prod;
};

struct header {
    u32 type, request, transaction, length;
};

static volatile struct store_ring *ring;

static void notify(void)
{
    u32 port = start_info->store_evtchn;

    hypercall(HYPERCALL_EVENT_CHANNEL_OP, EVTCHNOP_SEND, (u64)&port, 0, 0);
}

/* Wait for the other side to move an index that now has this value. */
static int wait_while(volatile u32 *index, u32 value)
{
    u64 since = 0;

    while (*index == value) {
        notify();
        if (!clock_wait(&since, REPLY_LIMIT))
            return 0;
    }
    return 1;
}

static int send(const void *bytes, size_t length)
{
    const char *from = bytes;

    while (length--) {
        if (!wait_while(&ring->req_cons, ring->req_prod - RING_SIZE))   /* full */
            return 0;
        ring->req[ring->req_prod % RING_SIZE] = *from++;
        __asm__ volatile("" ::: "memory");
        ring->req_prod++;
    }
    return 1;
}

/* Take so many bytes; what exceeds size is taken and dropped, so that the stream stays in step. */
static int receive(void *bytes, size_t size, size_t length)
{
    char *to = bytes;

    for (size_t i = 0; i < length; i++) {
        if (!wait_while(&ring->rsp_prod, ring->rsp_cons))               /* empty */
            return 0;
        if (i < size)
            to[i] = ring->rsp[ring->rsp_cons % RING_SIZE];
        __asm__ volatile("" ::: "memory");
        ring->rsp_cons++;
    }
    notify();                                                           /* there is room again */
    return 1;
}

/*
 * One request, made of a path (directory, "/" and key, or directory alone) and perhaps a value, and its answer.
 * Returns whether it succeeded: else there is no such node, no permission or no answer. *length is the answer's.
 */
static int ask(u32 operation, const char *directory, const char *key, const char *value, char *out, size_t size,
               size_t *length)
{
    static u32 last_request;
    static char path[PAYLOAD_MAX];
    size_t path_size = text_print(path, sizeof path, "%s%s%s", directory, key ? "/" : "", key ? key : "") + 1;
    size_t value_size = value ? text_length(value) : 0;
    struct header question = { operation, ++last_request, 0, (u32)(path_size + value_size) };
    struct header answer;

    if (!ring)
        ring = machine_map(MAP_STORE, start_info->store_mfn);
    if (!ring || !send(&question, sizeof question) || !send(path, path_size) || !send(value, value_size))
        return 0;
    notify();
    do {        /* a late answer to a request that was given up is not ours */
        if (!receive(&answer, sizeof answer, sizeof answer) || answer.length > PAYLOAD_MAX
            || !receive(out, size - 1, answer.length))
            return 0;
    } while (answer.request != question.request);
    *length = answer.length < size ? answer.length : size - 1;
    out[*length] = '\0';
    return answer.type == operation;            /* else it is XS_ERROR */
}

/* The names under a node, each with its NUL. Returns how many bytes they are. */
size_t xenstore_directory(const char *directory, char *out, size_t size)
{
    size_t length;

    return ask(XS_DIRECTORY, directory, 0, 0, out, size, &length) ? length : 0;
}

int xenstore_read(const char *directory, const char *key, char *out, size_t size)
{
    size_t length;

    return ask(XS_READ, directory, key, 0, out, size, &length);
}

int xenstore_write(const char *directory, const char *key, const char *value)
{
    char answer[8];     /* "OK" */
    size_t length;

    return ask(XS_WRITE, directory, key, value, answer, sizeof answer, &length);
}
