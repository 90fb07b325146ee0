/* The board's side of the serial link: bytes in, answers out. Portable C99, no heap, nothing global.
 *
 * The messages are described in docs/serial-link.md. Feed whatever the serial port gives, in pieces of any size, to
 * gaze_link_receive; it answers through the port's `send`. Damaged messages are asked for again, whatever lies between
 * messages is skipped. A repeated message does no harm: the answer comes again.
 */
#ifndef GAZE_LINK_H
#define GAZE_LINK_H

#include <stddef.h>
#include <stdint.h>

#include "gaze_calibrate.h"

#ifdef __cplusplus
extern "C" {
#endif

#define GAZE_LINK_VERSION 1
#define GAZE_LINK_PAYLOAD_MAX 1024 /* bytes of payload in one message */
#define GAZE_LINK_HEADER_BYTES 10
#define GAZE_LINK_CRC_BYTES 4
#define GAZE_LINK_MESSAGE_MAX (GAZE_LINK_HEADER_BYTES + GAZE_LINK_PAYLOAD_MAX + GAZE_LINK_CRC_BYTES)
#define GAZE_LINK_ROWS_HEAD_BYTES 8 /* frame number and offset, in front of a ROWS message's pixels */
#define GAZE_LINK_TENSORS_MAX 52 /* described in one message, beside the board's name */
#define GAZE_LINK_CALIBRATE_BYTES 32 /* of a CALIBRATE message: cm per unit of the output, distance, six numbers */
#define GAZE_LINK_OUTPUT_BYTES_MAX (GAZE_LINK_PAYLOAD_MAX - 16) /* of all outputs, beside frame, count and point */
#define GAZE_LINK_BLOCK_MARKED 1U  /* a BLOCK message's flag: the marker pulses at both ends */
#define GAZE_LINK_BLOCK_CHAIN 2U   /* another: each from a new frame of the board's camera to its gaze */
#define GAZE_LINK_ROW_BYTES_MAX (GAZE_LINK_PAYLOAD_MAX - GAZE_LINK_ROWS_HEAD_BYTES)

enum gaze_link_type {
    GAZE_LINK_HELLO = 0x01,
    GAZE_LINK_FRAME = 0x02,
    GAZE_LINK_ROWS = 0x03,
    GAZE_LINK_STATS = 0x04,
    GAZE_LINK_BLOCK = 0x05,
    GAZE_LINK_CALIBRATE = 0x06,
    GAZE_LINK_HELLO_ANSWER = 0x81,
    GAZE_LINK_READY = 0x82,
    GAZE_LINK_RESULT = 0x83,
    GAZE_LINK_STATS_ANSWER = 0x84,
    GAZE_LINK_BLOCK_ANSWER = 0x85,
    GAZE_LINK_CALIBRATED = 0x86,
    GAZE_LINK_ERROR = 0xFF
};

enum gaze_link_error {
    GAZE_LINK_DAMAGED = 1,     /* the CRC is wrong: send it again */
    GAZE_LINK_NOT_GREETED = 2, /* no HELLO since the board started: greet, then send the frame again */
    GAZE_LINK_WRONG_SIZE = 3,  /* a frame, a piece or a payload of a size the model does not have */
    GAZE_LINK_UNKNOWN = 4,     /* a type or a version this firmware does not know */
    GAZE_LINK_NO_FRAME = 5,    /* rows of a frame that was not begun */
    GAZE_LINK_NO_PICTURE = 6   /* the board's camera gave none, or there is no camera in this firmware */
};

enum gaze_link_count_kind {
    GAZE_LINK_COUNT_NONE = 0,
    GAZE_LINK_COUNT_CYCLES = 1,
    GAZE_LINK_COUNT_INSTRUCTIONS = 2,
    GAZE_LINK_COUNT_MICROSECONDS = 3
};

/* An input or output. height, width, channels: 1, 1, n for what is no picture. real = (value - zero_point) * scale. */
typedef struct {
    uint32_t bytes;
    uint16_t height, width, channels;
    float scale;
    int32_t zero_point;
} gaze_link_tensor;

/* The network behind the link. write: bytes that follow those written before, in the order of the inputs; whole rows
 * where row_bytes is not 0. finish: computes what is not computed yet. again: computes the whole network once more, on
 * whatever its memory holds; for metering, where only the work counts. NULL: there are no blocks. */
typedef struct {
    uint32_t hash;
    uint16_t row_bytes;
    uint8_t inputs, outputs;
    const gaze_link_tensor *tensors; /* the inputs, then the outputs */
    void (*begin)(void *state);
    void (*write)(void *state, uint32_t offset, const uint8_t *bytes, uint32_t count);
    void (*finish)(void *state);
    const int8_t *(*output)(const void *state, int index);
    void *state;
    void (*again)(void *state);
} gaze_link_model;

/* The board under the link. send: blocks until all bytes are on their way. count: a running counter of what count_kind
 * says, or NULL. count_hz: how many of it a second, 0 if not known. mark: one pulse on the marker pin, low for 10 us or
 * more, or NULL. look: the whole chain once, from the camera's next frame to the gaze; not 0 if there was no picture; NULL
 * without a camera. */
typedef struct {
    const char *board;
    void (*send)(void *state, const uint8_t *bytes, size_t count);
    uint32_t (*count)(void *state);
    enum gaze_link_count_kind count_kind;
    uint32_t count_hz;
    void *state;
    void (*mark)(void *state);
    int (*look)(void *state);
} gaze_link_port;

typedef struct {
    uint32_t messages; /* whole and undamaged */
    uint32_t damaged;  /* with a wrong CRC */
    uint32_t skipped;  /* bytes that belonged to no message */
    uint32_t frames;   /* computed */
    uint32_t dropped;  /* begun, and given up by the host before they were whole */
    uint32_t repeated; /* results sent again */
} gaze_link_stats;

typedef struct {
    const gaze_link_model *model;
    const gaze_link_port *port;
    gaze_link_stats stats;
    uint8_t buffer[GAZE_LINK_MESSAGE_MAX];
    size_t fill;         /* bytes in buffer */
    uint32_t crc;        /* of the message being sent */
    uint32_t frame;      /* number of the frame being filled, or of the one computed */
    uint32_t filled;     /* bytes of it that have come */
    uint32_t frame_bytes; /* of all inputs */
    uint32_t spent;      /* counted while computing it */
    uint32_t block_count; /* inferences of the last block, */
    uint64_t block_spent; /* what was counted while they ran, */
    uint16_t block_sequence; /* and the question they answer */
    gaze_calibration calibration;
    float unit_cm;       /* of the first output's numbers; 0: not calibrated */
    uint8_t greeted, begun, computed, block_done;
} gaze_link;

void gaze_link_init(gaze_link *link, const gaze_link_model *model, const gaze_link_port *port);

/* Takes bytes from the serial port and answers what they ask. Computes the network when a frame is whole. */
void gaze_link_receive(gaze_link *link, const uint8_t *bytes, size_t count);

/* For boards with a clock: to be called when nothing has come for 50 ms or more. Half a message is given up. */
void gaze_link_idle(gaze_link *link);

/* zlib's CRC-32 of bytes that follow those whose crc is given; 0 to begin with. */
uint32_t gaze_link_crc32(uint32_t crc, const uint8_t *bytes, size_t count);

#ifdef __cplusplus
}
#endif

#endif
