/* What the files of this kernel offer one another. */
#ifndef STANDIN_KERNEL_H
#define STANDIN_KERNEL_H

/* The compiler's own types: -nostdinc, so that nothing of the builder's system gets in. */
typedef __UINT8_TYPE__ u8;
typedef __UINT16_TYPE__ u16;
typedef __UINT32_TYPE__ u32;
typedef __UINT64_TYPE__ u64;
typedef __INT16_TYPE__ s16;
typedef __INT64_TYPE__ s64;
typedef __SIZE_TYPE__ size_t;
typedef __builtin_va_list va_list;

#include "xen.h"

/* start.S */
extern const struct start_info *start_info;
s64 hypercall(u32 number, u64 a, u64 b, u64 c, u64 d);

/* text.c */
void *memcpy(void *to, const void *from, size_t length);
void *memset(void *at, int byte, size_t length);
int memcmp(const void *a, const void *b, size_t length);
size_t text_length(const char *text);
int text_has_word(const char *text, const char *word);
u64 text_number(const char *text);
size_t text_format(char *out, size_t size, const char *format, va_list arguments);
size_t text_print(char *out, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* console.c */
void console_start(void);
void console_drain(void);
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* clock.c */
#define CLOCK_MS 1000000ul      /* ns */
#define CLOCK_S  (1000 * CLOCK_MS)
int clock_wait(u64 *since, u64 limit);
_Noreturn void clock_stop(void);

/* machine.c */
enum map { MAP_CONSOLE, MAP_STORE, MAP_GRANTS, MAP_WINDOW, MAP_COUNT };
void *machine_map(enum map which, u64 mfn);
int machine_read(u64 address, void *to, size_t length);

/* xenstore.c */
size_t xenstore_directory(const char *directory, char *out, size_t size);
int xenstore_read(const char *directory, const char *key, char *out, size_t size);
int xenstore_write(const char *directory, const char *key, const char *value);

/* devices.c, disk.c */
void devices_report(void);
int disk_connect(const char *frontend, const char *backend, u16 backend_domain);

/* power.c, acpi.c */
struct acpi_s5 { u16 pm1a, pm1b; };
const char *acpi_find_s5(struct acpi_s5 *found);
_Noreturn void power_off(void);
_Noreturn void power_crash(void);
_Noreturn void power_hold(void);

/* main.c */
int is_dom0(void);

#endif
