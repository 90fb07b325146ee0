/* The firmware's link as a shared library: bytes in, bytes out. */
#include "gaze_served.h"

#include <string.h>

static uint64_t arena[(GAZE_SERVED_ARENA_BYTES + 7) / 8];
static gaze_link board_link;
static gaze_link_model model;
static uint8_t *answers;
static size_t answers_room, answers_length;

static void collect(void *state, const uint8_t *bytes, size_t count) {
    (void)state;
    if (count <= answers_room - answers_length) {
        memcpy(answers + answers_length, bytes, count);
        answers_length += count;
    }
}

static uint32_t count(void *state) {
    static uint32_t calls;
    (void)state;
    return calls += 7;
}

/* A camera that gives so many pictures, and then no more; and how often the marker pulsed. */
int board_pictures, board_marks;

static int look(void *state) {
    (void)state;
    return board_pictures-- <= 0;
}

static void mark(void *state) {
    (void)state;
    board_marks++;
}

static const gaze_link_port PORT = {"a stub", collect, count, GAZE_LINK_COUNT_CYCLES, 1000, 0, mark, look};

void board_reset(void) {
    memset(arena, 0, sizeof arena);
    model = gaze_served_model(arena);
    gaze_link_init(&board_link, &model, &PORT);
}

size_t board_receive(const uint8_t *bytes, size_t length, uint8_t *to, size_t room) {
    answers = to;
    answers_room = room;
    answers_length = 0;
    gaze_link_receive(&board_link, bytes, length);
    return answers_length;
}

size_t board_idle(uint8_t *to, size_t room) {
    answers = to;
    answers_room = room;
    answers_length = 0;
    gaze_link_idle(&board_link);
    return answers_length;
}

#ifdef FUZZ
#include <stdio.h>
#include <stdlib.h>

/* Reads records (uint32 length, bytes; length 0xFFFFFFFF: idle) from stdin, each into memory of its own size, and writes
 * all answers. */
int main(void) {
    static uint8_t out[1 << 20];
    uint32_t length;
    board_reset();
    while (fread(&length, sizeof length, 1, stdin) == 1) {
        if (length == 0xFFFFFFFFU) {
            fwrite(out, 1, board_idle(out, sizeof out), stdout);
            continue;
        }
        uint8_t *bytes = malloc(length ? length : 1);
        if (fread(bytes, 1, length, stdin) != length) {
            return 2;
        }
        fwrite(out, 1, board_receive(bytes, length, out, sizeof out), stdout);
        free(bytes);
    }
    return 0;
}
#endif
