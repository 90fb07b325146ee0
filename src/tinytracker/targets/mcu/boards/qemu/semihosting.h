/* Arm semihosting: files and text of the machine that runs the emulator. */
#ifndef SEMIHOSTING_H
#define SEMIHOSTING_H

#include <stdint.h>

void semihosting_print(const char *text);
void semihosting_print_number(const char *name, uint32_t value); /* "name=value" and a line feed */
_Noreturn void semihosting_exit(int code);

int semihosting_open(const char *path, int mode); /* SEMIHOSTING_READ or SEMIHOSTING_WRITE; negative: cannot */
int semihosting_read(int file, void *to, uint32_t count); /* 1 if all bytes were read */
int semihosting_write(int file, const void *from, uint32_t count);
void semihosting_close(int file);

#define SEMIHOSTING_READ 1  /* "rb" */
#define SEMIHOSTING_WRITE 5 /* "wb" */

#endif
