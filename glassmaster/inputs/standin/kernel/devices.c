/*
 * The virtual disks and network interfaces of a domU, as xenstore has them (docs/misc/xenstore-paths.pandoc,
 * xen/include/public/io/blkif.h and netif.h).
 */
#include "kernel.h"

#define PATH 256

/* One value, or "-" where there is none. */
static const char *value(const char *directory, const char *key, char out[PATH])
{
    return xenstore_read(directory, key, out, PATH) ? out : "-";
}

static void say_disk(const char *name, const char *frontend)
{
    char backend[PATH], domain[PATH], mode[PATH], state[PATH], sectors[PATH], size[PATH];
    int connected = xenstore_read(frontend, "backend", backend, PATH)
                    && xenstore_read(frontend, "backend-id", domain, PATH)
                    && disk_connect(frontend, backend, (u16)text_number(domain));
    const char *is_mode = value(backend, "mode", mode), *is_state = value(backend, "state", state);

    if (connected)
        say("standin: disk: %s mode %s, backend state %s, %s sectors of %s bytes", name, is_mode, is_state,
            value(backend, "sectors", sectors), value(backend, "sector-size", size));
    else
        say("standin: disk: %s mode %s, backend state %s, not connected", name, is_mode, is_state);
}

static void say_net(const char *name, const char *frontend)
{
    char mac[PATH];

    say("standin: net: %s mac %s", name, value(frontend, "mac", mac));
}

static void each(const char *directory, void (*report)(const char *name, const char *frontend))
{
    char names[1024], frontend[PATH];
    size_t length = xenstore_directory(directory, names, sizeof names);

    for (size_t at = 0; at < length; at += text_length(names + at) + 1) {
        text_print(frontend, sizeof frontend, "%s/%s", directory, names + at);
        report(names + at, frontend);
    }
}

void devices_report(void)
{
    each("device/vbd", say_disk);
    each("device/vif", say_net);
}
