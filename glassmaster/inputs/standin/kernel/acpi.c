/*
 * How this machine is switched off. Xen can write the power-off value into the chipset's PM1 control registers
 * (XENPF_enter_acpi_sleep), but the value is in the host's ACPI byte code, which Xen leaves to dom0. A real kernel
 * interprets that; here it is enough to find the one package \_S5 = { SLP_TYPa, SLP_TYPb, ... } by its encoding.
 * Tables and encoding: ACPI specification 6.4, chapters 4.8.3.2, 5.2.5-5.2.9, 7.4.2 and 20.2.
 */
#include "kernel.h"

#define SLP_TYP       7u        /* three bits wide */
#define SLP_TYP_SHIFT 10
#define SLP_EN        (1u << 13)

static u64 read_number(u64 address, size_t bytes)
{
    u64 number = 0;             /* little endian, as we are */

    return machine_read(address, &number, bytes) ? number : 0;
}

static int has_text(u64 address, const char *text)
{
    char found[8];
    size_t length = text_length(text);

    return machine_read(address, found, length) && memcmp(found, text, length) == 0;
}

/* Under UEFI the root pointer is in the list of configuration tables (UEFI specification 2.10, chapter 4.6). */
static u64 root_from_efi(void)
{
    static const u8 acpi_20[16] = {     /* 8868e871-e4f1-11d3-bc22-0080c73c8881 */
        0x71, 0xe8, 0x68, 0x88, 0xf1, 0xe4, 0xd3, 0x11, 0xbc, 0x22, 0x00, 0x80, 0xc7, 0x3c, 0x88, 0x81
    };
    struct platform_op op = { .cmd = XENPF_FIRMWARE_INFO, .interface_version = XENPF_INTERFACE_VERSION };
    struct { u8 guid[16]; u64 address; } table;

    op.u.firmware.type = XEN_FW_EFI_INFO;
    op.u.firmware.index = XEN_FW_EFI_CONFIG_TABLE;
    if (hypercall(HYPERCALL_PLATFORM_OP, (u64)&op, 0, 0, 0) != 0)
        return 0;               /* not started by UEFI */
    for (u32 i = 0; i < op.u.firmware.entries; i++)
        if (machine_read(op.u.firmware.address + i * sizeof table, &table, sizeof table)
            && memcmp(table.guid, acpi_20, sizeof acpi_20) == 0)
            return table.address;
    return 0;
}

/* A BIOS has it on a 16-byte boundary below 1 MiB. (Or in the EBDA, where no BIOS of this century puts it.) */
static u64 root_from_bios(void)
{
    for (u64 address = 0xe0000; address < 0x100000; address += 16) {
        u8 bytes[20], sum = 0;

        if (!has_text(address, "RSD PTR ") || !machine_read(address, bytes, sizeof bytes))
            continue;
        for (unsigned i = 0; i < sizeof bytes; i++)
            sum = (u8)(sum + bytes[i]);
        if (sum == 0)
            return address;
    }
    return 0;
}

/* The fixed description table (FADT), from the list with 64-bit addresses if there is one. */
static u64 find_fadt(u64 root)
{
    int extended = read_number(root + 15, 1) >= 2 && read_number(root + 24, 8);
    u64 list = extended ? read_number(root + 24, 8) : read_number(root + 16, 4);
    u64 size = extended ? 8 : 4;
    u64 end = list + read_number(list + 4, 4);

    for (u64 entry = list + 36; entry + size <= end; entry += size)
        if (has_text(read_number(entry, size), "FACP"))
            return read_number(entry, size);
    return 0;
}

/* One small integer of a package: ZeroOp, OneOp or BytePrefix and a byte. Moves on behind it. */
static u16 package_number(u64 *at)
{
    u64 code = read_number((*at)++, 1);

    return (u16)((code == 0x0a ? read_number((*at)++, 1) : code) & SLP_TYP);
}

const char *acpi_find_s5(struct acpi_s5 *found)
{
    u64 root = root_from_efi();

    if (!root)
        root = root_from_bios();
    if (!root)
        return "no ACPI root pointer found";
    u64 fadt = find_fadt(root);

    if (!fadt)
        return "no FADT found";
    u64 dsdt = read_number(fadt + 4, 4) >= 148 ? read_number(fadt + 140, 8) : 0;

    if (!dsdt)
        dsdt = read_number(fadt + 40, 4);
    u64 end = dsdt + read_number(dsdt + 4, 4);

    for (u64 at = dsdt + 36; at + 8 < end; at++) {
        if (!has_text(at, "_S5_") || read_number(at + 4, 1) != 0x12)    /* PackageOp */
            continue;
        at += 5;
        at += 1 + (read_number(at, 1) >> 6);    /* PkgLength: its first byte says how many follow */
        at += 1;                                /* NumElements */
        found->pm1a = (u16)(package_number(&at) << SLP_TYP_SHIFT | SLP_EN);
        found->pm1b = (u16)(package_number(&at) << SLP_TYP_SHIFT | SLP_EN);
        return 0;
    }
    return "no _S5_ package in the DSDT";
}
