/*
 * The part of Xen's interface that this kernel uses: numbers and layouts only.
 * Sources: xen/include/public/{xen,sched,vcpu,memory,version,platform,event_channel,grant_table,elfnote}.h and
 * arch-x86/xen-x86_64.h of Xen 4.17. They are an ABI, so they hold for every later Xen too.
 */
#ifndef STANDIN_XEN_H
#define STANDIN_XEN_H

/* xen.h: hypercall numbers */
#define HYPERCALL_PLATFORM_OP        7
#define HYPERCALL_MEMORY_OP          12
#define HYPERCALL_UPDATE_VA_MAPPING  14
#define HYPERCALL_XEN_VERSION        17
#define HYPERCALL_CONSOLE_IO         18
#define HYPERCALL_GRANT_TABLE_OP     20
#define HYPERCALL_VCPU_OP            24
#define HYPERCALL_SCHED_OP           29
#define HYPERCALL_EVENT_CHANNEL_OP   32

/* elfnote.h: what the domain builder (Xen itself for dom0, libxenguest for a domU) reads from the kernel file */
#define XEN_ELFNOTE_ENTRY              1
#define XEN_ELFNOTE_HYPERCALL_PAGE     2
#define XEN_ELFNOTE_VIRT_BASE          3
#define XEN_ELFNOTE_PADDR_OFFSET       4
#define XEN_ELFNOTE_XEN_VERSION        5
#define XEN_ELFNOTE_GUEST_OS           6
#define XEN_ELFNOTE_GUEST_VERSION      7
#define XEN_ELFNOTE_LOADER             8
#define XEN_ELFNOTE_PAE_MODE           9
#define XEN_ELFNOTE_SUPPORTED_FEATURES 17
#define XENFEAT_DOM0                   11       /* features.h */

#define PAGE_SIZE 4096
#define VIRT_BASE 0xffffffff80000000            /* where NetBSD/amd64 lives too (KERNBASE) */

#ifndef __ASSEMBLER__

/* xen.h: struct start_info, the page that %rsi points to at entry */
#define SIF_INITDOMAIN   (1u << 1)
#define MAX_CMDLINE      1024

struct start_info {
    char magic[32];
    u64 nr_pages;
    u64 shared_info;
    u32 flags;
    u64 store_mfn;
    u32 store_evtchn;
    union {
        struct { u64 mfn; u32 evtchn; } domU;
        struct { u32 info_off, info_size; } dom0;
    } console;
    u64 pt_base;
    u64 nr_pt_frames;
    u64 mfn_list;
    u64 mod_start;
    u64 mod_len;
    char cmd_line[MAX_CMDLINE];
    u64 first_p2m_pfn;
    u64 nr_p2m_frames;
};
_Static_assert(sizeof(struct start_info) == 1168, "struct start_info is an ABI");

#define DOMID_SELF       0x7ff0
#define CONSOLEIO_WRITE  0
#define UVMF_INVLPG      2                      /* flush one entry of this CPU's TLB */

/* version.h */
#define XENVER_VERSION      0                   /* returns major << 16 | minor */
#define XENVER_EXTRAVERSION 1                   /* char[16] */
#define XENVER_COMMANDLINE  9                   /* char[1024] */

/* memory.h: both return a number of pages */
#define XENMEM_CURRENT_RESERVATION 3
#define XENMEM_MAXIMUM_RESERVATION 4

/* sched.h */
#define SCHEDOP_SHUTDOWN  2
#define SCHEDOP_POLL      3
#define SHUTDOWN_POWEROFF 0
#define SHUTDOWN_CRASH    3

struct sched_poll {
    u32 *ports;
    u32 nr_ports;
    u64 timeout;                                /* absolute system time, ns; 0 is none */
};

/* vcpu.h */
#define VCPUOP_IS_UP             3
#define VCPUOP_GET_RUNSTATE_INFO 4

struct vcpu_runstate_info {
    int state;
    u64 state_entry_time;                       /* system time, ns */
    u64 time[4];                                /* ns in each state; the first is running */
};

/* event_channel.h */
#define EVTCHNOP_SEND          4
#define EVTCHNOP_ALLOC_UNBOUND 6

struct evtchn_alloc_unbound {
    u16 domain, remote;
    u32 port;
};

/* grant_table.h */
#define GNTTABOP_SETUP_TABLE 2
#define GTF_PERMIT_ACCESS    1

struct gnttab_setup_table {
    u16 domain;
    u32 nr_frames;
    s16 status;
    u64 *frame_list;
};

/* io/xenbus.h: enum xenbus_state */
#define XENBUS_INITIALISED 3
#define XENBUS_CONNECTED   4

/* platform.h, dom0 only */
#define XENPF_INTERFACE_VERSION  0x03000001
#define XENPF_FIRMWARE_INFO      50
#define XENPF_ENTER_ACPI_SLEEP   51
#define XEN_FW_EFI_INFO          4
#define XEN_FW_EFI_CONFIG_TABLE  1

struct platform_op {
    u32 cmd;
    u32 interface_version;
    union {
        struct {
            u32 type, index;
            u64 address;                        /* machine address of the EFI_CONFIGURATION_TABLE array */
            u32 entries;
        } firmware;
        struct {
            u16 pm1a, pm1b;
            u32 sleep_state;
            u32 flags;
        } sleep;
        u8 pad[128];
    } u;
};

#endif
#endif
