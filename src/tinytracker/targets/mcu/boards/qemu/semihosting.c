#include "semihosting.h"

#include <string.h>

/* Operations of "Semihosting for AArch32 and AArch64" (Arm). */
enum { OPEN = 0x01, CLOSE = 0x02, WRITE0 = 0x04, WRITE = 0x05, READ = 0x06, EXIT_EXTENDED = 0x20 };
#define STOPPED_BY_APPLICATION 0x20026U

static int call(int operation, const void *arguments) {
    register int r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = arguments;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

void semihosting_print(const char *text) {
    call(WRITE0, text);
}

void semihosting_print_number(const char *name, uint32_t value) {
    char digits[12];
    char *digit = digits + sizeof digits - 1;
    *digit = 0;
    *--digit = '\n';
    do {
        *--digit = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    semihosting_print(name);
    semihosting_print("=");
    semihosting_print(digit);
}

_Noreturn void semihosting_exit(int code) {
    const uint32_t arguments[2] = {STOPPED_BY_APPLICATION, (uint32_t)code};
    for (;;) {
        call(EXIT_EXTENDED, arguments);
    }
}

int semihosting_open(const char *path, int mode) {
    const uint32_t arguments[3] = {(uint32_t)path, (uint32_t)mode, strlen(path)};
    return call(OPEN, arguments);
}

int semihosting_read(int file, void *to, uint32_t count) {
    const uint32_t arguments[3] = {(uint32_t)file, (uint32_t)to, count};
    return call(READ, arguments) == 0; /* the number of bytes not read */
}

int semihosting_write(int file, const void *from, uint32_t count) {
    const uint32_t arguments[3] = {(uint32_t)file, (uint32_t)from, count};
    return call(WRITE, arguments) == 0;
}

void semihosting_close(int file) {
    const uint32_t arguments[1] = {(uint32_t)file};
    call(CLOSE, arguments);
}
