/* Text: a small printf and the few string functions that the rest needs. */
#include "kernel.h"

/* gcc may call these three even in freestanding code. */
void *memcpy(void *to, const void *from, size_t length)
{
    u8 *t = to;
    const u8 *f = from;

    while (length--)
        *t++ = *f++;
    return to;
}

void *memset(void *at, int byte, size_t length)
{
    u8 *t = at;

    while (length--)
        *t++ = (u8)byte;
    return at;
}

int memcmp(const void *a, const void *b, size_t length)
{
    const u8 *x = a, *y = b;

    for (; length; length--, x++, y++)
        if (*x != *y)
            return *x - *y;
    return 0;
}

size_t text_length(const char *text)
{
    size_t length = 0;

    while (text[length])
        length++;
    return length;
}

/* Whether a space-separated word stands in text: "standin.holding" does not hold. */
int text_has_word(const char *text, const char *word)
{
    size_t length = text_length(word);

    while (*text) {
        const char *start = text;

        while (*text && *text != ' ')
            text++;
        if ((size_t)(text - start) == length && memcmp(start, word, length) == 0)
            return 1;
        while (*text == ' ')
            text++;
    }
    return 0;
}

u64 text_number(const char *text)
{
    u64 number = 0;

    while (*text >= '0' && *text <= '9')
        number = number * 10 + (u64)(*text++ - '0');
    return number;
}

struct output {
    char *at, *end;
};

static void put(struct output *out, char c)
{
    if (out->at < out->end)
        *out->at++ = c;
}

static void put_number(struct output *out, u64 number, unsigned base)
{
    char digits[20];
    unsigned count = 0;

    do {
        digits[count++] = "0123456789abcdef"[number % base];
        number /= base;
    } while (number);
    while (count)
        put(out, digits[--count]);
}

/*
 * %s, %u, %x, %lu and %lx are all there is; what does not fit is cut off. Returns the length without the final NUL.
 * The callers' formats are checked by gcc (__attribute__((format)) in kernel.h).
 */
size_t text_format(char *buffer, size_t size, const char *format, va_list arguments)
{
    struct output out = { buffer, buffer + size - 1 };

    for (; *format; format++) {
        if (*format != '%') {
            put(&out, *format);
            continue;
        }
        int is_long = *++format == 'l';

        if (is_long)
            format++;
        if (*format == 's') {
            for (const char *text = __builtin_va_arg(arguments, const char *); *text; text++)
                put(&out, *text);
        } else {
            u64 number = is_long ? __builtin_va_arg(arguments, u64) : __builtin_va_arg(arguments, u32);

            put_number(&out, number, *format == 'x' ? 16 : 10);
        }
    }
    *out.at = '\0';
    return (size_t)(out.at - buffer);
}

size_t text_print(char *out, size_t size, const char *format, ...)
{
    va_list arguments;

    __builtin_va_start(arguments, format);
    size_t length = text_format(out, size, format, arguments);
    __builtin_va_end(arguments);
    return length;
}
