#include "gaze_link.h"

#include <string.h>

#define SYNC_0 0xA5U
#define SYNC_1 0x5AU

uint32_t gaze_link_crc32(uint32_t crc, const uint8_t *bytes, size_t count) {
    /* Four bits at a time: a sixteenth of the usual table. */
    static const uint32_t TABLE[16] = {
        0x00000000U, 0x1DB71064U, 0x3B6E20C8U, 0x26D930ACU, 0x76DC4190U, 0x6B6B51F4U, 0x4DB26158U, 0x5005713CU,
        0xEDB88320U, 0xF00F9344U, 0xD6D6A3E8U, 0xCB61B38CU, 0x9B64C2B0U, 0x86D3D2D4U, 0xA00AE278U, 0xBDBDF21CU,
    };
    crc = ~crc;
    for (size_t i = 0; i < count; i++) {
        crc ^= bytes[i];
        crc = (crc >> 4) ^ TABLE[crc & 15U];
        crc = (crc >> 4) ^ TABLE[crc & 15U];
    }
    return ~crc;
}

static uint16_t get_u16(const uint8_t *bytes) {
    return (uint16_t)(bytes[0] | (unsigned)bytes[1] << 8);
}

static uint32_t get_u32(const uint8_t *bytes) {
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static uint8_t *put_u16(uint8_t *to, uint32_t value) {
    *to++ = (uint8_t)value;
    *to++ = (uint8_t)(value >> 8);
    return to;
}

static uint8_t *put_u32(uint8_t *to, uint32_t value) {
    return put_u16(put_u16(to, value & 0xFFFFU), value >> 16);
}

static float get_float(const uint8_t *bytes) {
    uint32_t bits = get_u32(bytes);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint8_t *put_float(uint8_t *to, float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return put_u32(to, bits);
}

/* --- sending: a head, any number of pieces of the payload, an end ------------------------------------------------ */

static void send_piece(gaze_link *link, const uint8_t *bytes, size_t count) {
    link->crc = gaze_link_crc32(link->crc, bytes, count);
    link->port->send(link->port->state, bytes, count);
}

static void send_head(gaze_link *link, enum gaze_link_type type, uint16_t sequence, size_t length) {
    uint8_t head[GAZE_LINK_HEADER_BYTES] = {SYNC_0, SYNC_1, GAZE_LINK_VERSION, (uint8_t)type};
    put_u16(put_u16(head + 4, sequence), (uint32_t)length);
    put_u16(head + 8, gaze_link_crc32(0, head + 2, 6) & 0xFFFFU);
    link->port->send(link->port->state, head, 2);
    link->crc = 0;
    send_piece(link, head + 2, sizeof head - 2);
}

static void send_end(gaze_link *link) {
    uint8_t crc[GAZE_LINK_CRC_BYTES];
    put_u32(crc, link->crc);
    link->port->send(link->port->state, crc, sizeof crc);
}

static void send_message(gaze_link *link, enum gaze_link_type type, uint16_t sequence, const uint8_t *bytes, size_t count) {
    send_head(link, type, sequence, count);
    send_piece(link, bytes, count);
    send_end(link);
}

static void send_error(gaze_link *link, uint16_t sequence, enum gaze_link_error code) {
    uint8_t payload = (uint8_t)code;
    send_message(link, GAZE_LINK_ERROR, sequence, &payload, 1);
}

static void send_ready(gaze_link *link, uint16_t sequence) {
    uint8_t payload[8];
    put_u32(put_u32(payload, link->frame), link->filled);
    send_message(link, GAZE_LINK_READY, sequence, payload, sizeof payload);
}

/* The calibrated gaze point: two floats, cm. */
static void put_point(const gaze_link *link, uint8_t *to) {
    const gaze_link_tensor *tensor = link->model->tensors + link->model->inputs;
    const int8_t *output = link->model->output(link->model->state, 0);
    float step_cm = tensor->scale * link->unit_cm;
    float x_cm = (float)(output[0] - tensor->zero_point) * step_cm;
    float y_cm = (float)(output[1] - tensor->zero_point) * step_cm;
    gaze_calibrate(&link->calibration, &x_cm, &y_cm);
    put_float(put_float(to, x_cm), y_cm);
}

static void send_result(gaze_link *link, uint16_t sequence) {
    const gaze_link_model *model = link->model;
    const gaze_link_tensor *outputs = model->tensors + model->inputs;
    uint8_t point[8];
    size_t point_bytes = link->unit_cm > 0.0f ? sizeof point : 0;
    size_t length = 8 + point_bytes;
    for (int i = 0; i < model->outputs; i++) {
        length += outputs[i].bytes;
    }
    uint8_t head[8];
    put_u32(put_u32(head, link->frame), link->spent);
    send_head(link, GAZE_LINK_RESULT, sequence, length);
    send_piece(link, head, sizeof head);
    for (int i = 0; i < model->outputs; i++) {
        send_piece(link, (const uint8_t *)model->output(model->state, i), outputs[i].bytes);
    }
    if (point_bytes > 0) {
        put_point(link, point);
        send_piece(link, point, point_bytes);
    }
    send_end(link);
}

/* --- what is answered to what ------------------------------------------------------------------------------------- */

static void answer_hello(gaze_link *link, uint16_t sequence) {
    const gaze_link_model *model = link->model;
    const gaze_link_port *port = link->port;
    enum { HEAD_BYTES = 16, TENSOR_BYTES = 18 };
    size_t tensors = (size_t)model->inputs + model->outputs;
    size_t name_bytes = strlen(port->board);
    uint8_t head[HEAD_BYTES] = {GAZE_LINK_VERSION, (uint8_t)port->count_kind};
    uint8_t *to = put_u32(put_u32(put_u16(head + 2, GAZE_LINK_PAYLOAD_MAX), port->count_hz), model->hash);
    to = put_u16(to, model->row_bytes);
    to[0] = model->inputs;
    to[1] = model->outputs;
    send_head(link, GAZE_LINK_HELLO_ANSWER, sequence, HEAD_BYTES + TENSOR_BYTES * tensors + name_bytes);
    send_piece(link, head, HEAD_BYTES);
    for (size_t i = 0; i < tensors; i++) {
        const gaze_link_tensor *tensor = &model->tensors[i];
        uint8_t described[TENSOR_BYTES];
        to = put_u32(described, tensor->bytes);
        to = put_u16(put_u16(put_u16(to, tensor->height), tensor->width), tensor->channels);
        put_u32(put_float(to, tensor->scale), (uint32_t)tensor->zero_point);
        send_piece(link, described, sizeof described);
    }
    send_piece(link, (const uint8_t *)port->board, name_bytes);
    send_end(link);
    link->greeted = 1;
    link->begun = 0;
    link->computed = 0;
    link->block_done = 0;
    link->unit_cm = 0.0f;
}

static void answer_frame(gaze_link *link, uint16_t sequence, const uint8_t *payload, size_t length) {
    if (length != 8 || get_u32(payload + 4) != link->frame_bytes) {
        send_error(link, sequence, GAZE_LINK_WRONG_SIZE);
        return;
    }
    if (link->begun && !link->computed && link->filled > 0) {
        link->stats.dropped++;
    }
    link->frame = get_u32(payload);
    link->filled = 0;
    link->spent = 0;
    link->begun = 1;
    link->computed = 0;
    link->model->begin(link->model->state);
    send_ready(link, sequence);
}

static uint32_t count_now(const gaze_link *link) {
    return link->port->count != NULL ? link->port->count(link->port->state) : 0;
}

static void answer_rows(gaze_link *link, uint16_t sequence, const uint8_t *payload, size_t length) {
    const gaze_link_model *model = link->model;
    if (length <= GAZE_LINK_ROWS_HEAD_BYTES) {
        send_error(link, sequence, GAZE_LINK_WRONG_SIZE);
        return;
    }
    uint32_t offset = get_u32(payload + 4);
    uint32_t count = (uint32_t)(length - GAZE_LINK_ROWS_HEAD_BYTES);
    if (!link->begun || get_u32(payload) != link->frame) {
        send_error(link, sequence, GAZE_LINK_NO_FRAME);
        return;
    }
    if (link->computed) { /* the host did not get the result, and sends the last piece again */
        link->stats.repeated++;
        send_result(link, sequence);
        return;
    }
    if (offset != link->filled) { /* here already, or one before it is missing: say where to go on */
        send_ready(link, sequence);
        return;
    }
    if (count > link->frame_bytes - link->filled || (model->row_bytes != 0 && count % model->row_bytes != 0)) {
        send_error(link, sequence, GAZE_LINK_WRONG_SIZE);
        return;
    }
    uint32_t began = count_now(link);
    model->write(model->state, offset, payload + GAZE_LINK_ROWS_HEAD_BYTES, count);
    link->filled += count;
    if (link->filled < link->frame_bytes) {
        link->spent += count_now(link) - began;
        send_ready(link, sequence);
        return;
    }
    model->finish(model->state);
    link->spent += count_now(link) - began;
    link->computed = 1;
    link->stats.frames++;
    send_result(link, sequence);
}

static void answer_stats(gaze_link *link, uint16_t sequence) {
    const gaze_link_stats *stats = &link->stats;
    uint8_t payload[24];
    uint8_t *to = put_u32(put_u32(put_u32(payload, stats->messages), stats->damaged), stats->skipped);
    put_u32(put_u32(put_u32(to, stats->frames), stats->dropped), stats->repeated);
    send_message(link, GAZE_LINK_STATS_ANSWER, sequence, payload, sizeof payload);
}

/* 0, or what went wrong. */
static int once_more(const gaze_link *link, int chain) {
    if (chain) {
        return link->port->look(link->port->state);
    }
    link->model->again(link->model->state);
    return 0;
}

/* Whether it was run to its end. */
static int run_block(gaze_link *link, uint32_t count, uint32_t flags) {
    const gaze_link_port *port = link->port;
    int chain = (flags & GAZE_LINK_BLOCK_CHAIN) != 0;
    int failed = 0;
    int marked = (flags & GAZE_LINK_BLOCK_MARKED) != 0 && port->mark != NULL;
    link->block_spent = 0;
    if (marked) {
        port->mark(port->state);
    }
    uint32_t began = count_now(link);
    for (uint32_t i = 0; i < count && !failed; i++) {
        failed = once_more(link, chain);
        uint32_t now = count_now(link);
        link->block_spent += now - began; /* each time, for counters that come round */
        began = now;
    }
    if (marked) {
        port->mark(port->state);
    }
    link->block_count = count;
    link->computed = 0; /* the outputs are of whatever was computed again */
    link->begun = 0;
    return !failed;
}

static void answer_block(gaze_link *link, uint16_t sequence, const uint8_t *payload, size_t length) {
    if (length != 8) {
        send_error(link, sequence, GAZE_LINK_WRONG_SIZE);
        return;
    }
    uint32_t flags = get_u32(payload + 4);
    int chain = (flags & GAZE_LINK_BLOCK_CHAIN) != 0;
    if (chain ? link->port->look == NULL : link->model->again == NULL) {
        send_error(link, sequence, chain ? GAZE_LINK_NO_PICTURE : GAZE_LINK_UNKNOWN);
        return;
    }
    if (!link->block_done || link->block_sequence != sequence) { /* else the host did not get the answer */
        link->block_done = (uint8_t)run_block(link, get_u32(payload), flags);
        link->block_sequence = sequence;
    }
    if (!link->block_done) {
        send_error(link, sequence, GAZE_LINK_NO_PICTURE);
        return;
    }
    uint8_t answered[12];
    uint8_t *to = put_u32(answered, link->block_count);
    put_u32(put_u32(to, (uint32_t)link->block_spent), (uint32_t)(link->block_spent >> 32));
    send_message(link, GAZE_LINK_BLOCK_ANSWER, sequence, answered, sizeof answered);
}

/* A person's six numbers, or nothing to take them back; what the board now has is the answer. */
static void answer_calibrate(gaze_link *link, uint16_t sequence, const uint8_t *payload, size_t length) {
    const gaze_link_model *model = link->model;
    if (length != 0 && (length != GAZE_LINK_CALIBRATE_BYTES || model->tensors[model->inputs].bytes < 2)) {
        send_error(link, sequence, GAZE_LINK_WRONG_SIZE);
        return;
    }
    link->unit_cm = 0.0f;
    if (length != 0) {
        link->unit_cm = get_float(payload);
        link->calibration.distance_cm = get_float(payload + 4);
        for (int i = 0; i < 6; i++) {
            link->calibration.add[i / 3][i % 3] = get_float(payload + 8 + 4 * i);
        }
    }
    send_message(link, GAZE_LINK_CALIBRATED, sequence, payload, length);
}

static void answer(gaze_link *link, const uint8_t *message, size_t length) {
    uint16_t sequence = get_u16(message + 4);
    const uint8_t *payload = message + GAZE_LINK_HEADER_BYTES;
    uint8_t type = message[3];
    if (message[2] != GAZE_LINK_VERSION) {
        send_error(link, sequence, GAZE_LINK_UNKNOWN);
    } else if (type == GAZE_LINK_HELLO) {
        answer_hello(link, sequence);
    } else if (type == GAZE_LINK_STATS) {
        answer_stats(link, sequence);
    } else if (type != GAZE_LINK_FRAME && type != GAZE_LINK_ROWS && type != GAZE_LINK_BLOCK &&
               type != GAZE_LINK_CALIBRATE) {
        send_error(link, sequence, GAZE_LINK_UNKNOWN);
    } else if (!link->greeted) {
        send_error(link, sequence, GAZE_LINK_NOT_GREETED);
    } else if (type == GAZE_LINK_CALIBRATE) {
        answer_calibrate(link, sequence, payload, length);
    } else if (type == GAZE_LINK_BLOCK) {
        answer_block(link, sequence, payload, length);
    } else if (type == GAZE_LINK_FRAME) {
        answer_frame(link, sequence, payload, length);
    } else {
        answer_rows(link, sequence, payload, length);
    }
}

/* --- receiving: whole messages out of a stream of bytes ------------------------------------------------------------ */

/* What begins at `at`: 0 if no message can, 1 if one may but more bytes must come, else the message's length. */
static size_t message_at(const gaze_link *link, size_t at) {
    const uint8_t *bytes = link->buffer + at;
    size_t count = link->fill - at;
    if (bytes[0] != SYNC_0 || (count > 1 && bytes[1] != SYNC_1)) {
        return 0;
    }
    if (count < GAZE_LINK_HEADER_BYTES) {
        return 1;
    }
    size_t length = get_u16(bytes + 6);
    if (get_u16(bytes + 8) != (gaze_link_crc32(0, bytes + 2, 6) & 0xFFFFU) || length > GAZE_LINK_PAYLOAD_MAX) {
        return 0;
    }
    size_t whole = GAZE_LINK_HEADER_BYTES + length + GAZE_LINK_CRC_BYTES;
    return count < whole ? 1 : whole;
}

/* Answers all whole messages in the buffer. A damaged one may have swallowed the beginning of the next: the search goes
 * on one byte behind its own beginning. */
static void scan(gaze_link *link) {
    size_t at = 0;
    while (at < link->fill) {
        size_t whole = message_at(link, at);
        if (whole == 1) {
            break;
        }
        if (whole == 0) {
            link->stats.skipped++;
            at++;
            continue;
        }
        const uint8_t *message = link->buffer + at;
        size_t checked = whole - GAZE_LINK_CRC_BYTES;
        if (get_u32(message + checked) != gaze_link_crc32(0, message + 2, checked - 2)) {
            link->stats.damaged++;
            link->stats.skipped++;
            send_error(link, get_u16(message + 4), GAZE_LINK_DAMAGED);
            at++;
            continue;
        }
        link->stats.messages++;
        answer(link, message, whole - GAZE_LINK_HEADER_BYTES - GAZE_LINK_CRC_BYTES);
        at += whole;
    }
    link->fill -= at;
    memmove(link->buffer, link->buffer + at, link->fill);
}

void gaze_link_init(gaze_link *link, const gaze_link_model *model, const gaze_link_port *port) {
    memset(link, 0, sizeof *link);
    link->model = model;
    link->port = port;
    for (int i = 0; i < model->inputs; i++) {
        link->frame_bytes += model->tensors[i].bytes;
    }
}

void gaze_link_receive(gaze_link *link, const uint8_t *bytes, size_t count) {
    while (count > 0) {
        size_t room = sizeof link->buffer - link->fill; /* never 0: a full buffer holds a whole message */
        size_t taken = count < room ? count : room;
        memcpy(link->buffer + link->fill, bytes, taken);
        link->fill += taken;
        bytes += taken;
        count -= taken;
        scan(link);
    }
}

void gaze_link_idle(gaze_link *link) {
    while (link->fill > 0) { /* what the buffer begins with waits for bytes that will not come */
        link->stats.skipped++;
        link->fill--;
        memmove(link->buffer, link->buffer + 1, link->fill);
        scan(link);
    }
}
