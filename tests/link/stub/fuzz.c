/* libFuzzer on the firmware's link: whatever came before, a frame that follows it is computed right.
 *
 * The input is a list of records: what (2 bits) and length (14 bits), then bytes. What: 0 bytes as they are; 1 a message of
 * them (type, then payload) with right checks; 2 the same with one byte changed; 3 silence, so that half a message is given up.
 */
#include "gaze_served.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

void board_reset(void);
size_t board_receive(const uint8_t *bytes, size_t length, uint8_t *to, size_t room);
size_t board_idle(uint8_t *to, size_t room);

static uint8_t answers[1U << 16];
static uint8_t message[GAZE_LINK_MESSAGE_MAX];

static void put(uint8_t *to, uint32_t value, int bytes) {
    for (int i = 0; i < bytes; i++) {
        to[i] = (uint8_t)(value >> 8 * i);
    }
}

static size_t seal(uint8_t type, uint16_t sequence, const uint8_t *payload, size_t length) {
    message[0] = 0xA5;
    message[1] = 0x5A;
    message[2] = GAZE_LINK_VERSION;
    message[3] = type;
    put(message + 4, sequence, 2);
    put(message + 6, (uint32_t)length, 2);
    put(message + 8, gaze_link_crc32(0, message + 2, 6) & 0xFFFFU, 2);
    if (length > 0) {
        memcpy(message + GAZE_LINK_HEADER_BYTES, payload, length);
    }
    put(message + GAZE_LINK_HEADER_BYTES + length, gaze_link_crc32(0, message + 2, 8 + length), 4);
    return GAZE_LINK_HEADER_BYTES + length + GAZE_LINK_CRC_BYTES;
}

/* Into memory of its own size, so that reading behind it shows. */
static size_t give(const uint8_t *bytes, size_t length) {
    uint8_t *copy = malloc(length > 0 ? length : 1);
    memcpy(copy, bytes, length);
    size_t answered = board_receive(copy, length, answers, sizeof answers);
    free(copy);
    return answered;
}

/* One question, one answer of the wanted type. */
static const uint8_t *ask(uint8_t type, uint16_t sequence, const uint8_t *payload, size_t length, uint8_t wanted) {
    size_t answered = give(message, seal(type, sequence, payload, length));
    if (answered < GAZE_LINK_HEADER_BYTES + GAZE_LINK_CRC_BYTES || answers[3] != wanted ||
        answers[4] != (uint8_t)sequence || answers[5] != sequence >> 8) {
        abort();
    }
    return answers + GAZE_LINK_HEADER_BYTES;
}

static void frame_comes_right(uint8_t seed) {
    static int8_t pixels[GAZE_MODEL_INPUT_0_BYTES];
    static uint64_t own[(GAZE_MODEL_ARENA_BYTES + 7) / 8];
    uint8_t payload[GAZE_LINK_PAYLOAD_MAX];
    for (int i = 0; i < GAZE_MODEL_INPUT_0_BYTES; i++) {
        pixels[i] = (int8_t)(seed + 7 * i + i / 3);
    }
    ask(GAZE_LINK_HELLO, 0x1234, payload, 0, GAZE_LINK_HELLO_ANSWER);
    put(payload, 0xC0FFEEU, 4);
    put(payload + 4, GAZE_MODEL_INPUT_0_BYTES, 4);
    ask(GAZE_LINK_FRAME, 0x1235, payload, 8, GAZE_LINK_READY);
    const uint8_t *result = answers;
    for (uint32_t at = 0; at < GAZE_MODEL_INPUT_0_BYTES; at += 1000) {
        int last = at + 1000 == GAZE_MODEL_INPUT_0_BYTES;
        put(payload, 0xC0FFEEU, 4);
        put(payload + 4, at, 4);
        memcpy(payload + GAZE_LINK_ROWS_HEAD_BYTES, pixels + at, 1000);
        result = ask(GAZE_LINK_ROWS, (uint16_t)(0x1236 + at), payload, GAZE_LINK_ROWS_HEAD_BYTES + 1000,
                     last ? GAZE_LINK_RESULT : GAZE_LINK_READY);
    }
    memcpy(gaze_model_input(own, 0), pixels, sizeof pixels);
    gaze_model_invoke(own);
    if (memcmp(result + 8, gaze_model_output(own, 0), GAZE_MODEL_OUTPUT_0_BYTES) != 0) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t seed = size > 0 ? data[size - 1] : 0;
    board_reset();
    while (size >= 2) {
        unsigned what = data[0] >> 6;
        size_t length = (size_t)(data[0] & 63) << 8 | data[1];
        data += 2;
        size -= 2;
        length = length < size ? length : size;
        if (what == 0) {
            give(data, length);
        } else if (what == 3) {
            board_idle(answers, sizeof answers);
        } else if (length > 0 && length <= GAZE_LINK_PAYLOAD_MAX) {
            size_t whole = seal(data[0] & 0x80 ? (uint8_t)(data[0] & 7) : data[0], (uint16_t)length, data + 1, length - 1);
            if (what == 2) {
                message[data[length - 1] * (size_t)31 % whole] ^= (uint8_t)(data[0] | 1);
            }
            give(message, whole);
        }
        data += length;
        size -= length;
    }
    board_idle(answers, sizeof answers);
    frame_comes_right(seed);
    return 0;
}
