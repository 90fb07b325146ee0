/* What the network sees of an event camera: the cells that spoke last, kept up to date event by event.
 *
 * The same, to the bit, as tinytracker.events.windows: the EVENT_WINDOW_CELLS distinct cells whose events are newest,
 * and of those, if EVENT_WINDOW_LONGEST_US is not 0, the ones that spoke so short before the newest. If
 * EVENT_WINDOW_AMONG is not 0, an event counts only if one of so many before it fell into its own cell or one of the
 * eight about it. An event costs the same however large the window is. event_window_settings.h, written by the export, says what part of the sensor the
 * network looks at, and how large the window is.
 */
#ifndef EVENT_WINDOW_H
#define EVENT_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "event_window_settings.h"

#ifdef __cplusplus
extern "C" {
#endif

#define EVENT_WINDOW_INPUT_BYTES (EVENT_WINDOW_SIZE * EVENT_WINDOW_SIZE * 2)

/* A cell in the window. The last slot holds none: it joins the newest one to the oldest. */
typedef struct {
    uint16_t cell; /* row * EVENT_WINDOW_SIZE + column; the highest bit: its light rose */
    uint16_t older;
    uint16_t newer;
    uint16_t next; /* of those found at the same place of `first`, or of the free ones */
#if EVENT_WINDOW_LONGEST_US
    uint32_t spoke_us;
#endif
} event_window_slot;

typedef struct {
    event_window_slot slots[EVENT_WINDOW_CELLS + 1];
    uint16_t first[EVENT_WINDOW_PLACES]; /* where to look for a cell: at cell % EVENT_WINDOW_PLACES */
    uint16_t free;
    uint16_t count;
    uint32_t newest_us;
#if EVENT_WINDOW_AMONG
    uint16_t recent[EVENT_WINDOW_AMONG]; /* cells of the latest events, whether or not they counted; a ring */
    uint16_t next_recent;
#endif
} event_window;

void event_window_reset(event_window *window);

/* An event: microseconds that never go back (they may wrap), the sensor's pixel from its top left. */
void event_window_push(event_window *window, uint32_t t_us, int x_px, int y_px, bool rose);

/* The network's input, EVENT_WINDOW_INPUT_BYTES: rows, columns, then where light fell and where it rose. */
void event_window_write(const event_window *window, int8_t *input);

#ifdef __cplusplus
}
#endif

#endif
