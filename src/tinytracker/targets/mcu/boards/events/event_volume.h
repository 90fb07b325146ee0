/* A causal volume of an event camera's events: counts in bins of time, the oldest bin cleared when a new one begins.
 *
 * The same, to the bit, as tinytracker.events.volumes. event_volume_settings.h, written by the export, says what part of
 * the sensor is counted, in how many bins of how many microseconds.
 */
#ifndef EVENT_VOLUME_H
#define EVENT_VOLUME_H

#include <stdbool.h>
#include <stdint.h>

#include "event_volume_settings.h"

#ifdef __cplusplus
extern "C" {
#endif

#define EVENT_VOLUME_BIN_BYTES (2 * EVENT_VOLUME_SIZE * EVENT_VOLUME_SIZE)

/* counts: of each bin where light fell, then where it rose; up to 255 each. */
typedef struct {
    uint8_t counts[EVENT_VOLUME_BINS][EVENT_VOLUME_BIN_BYTES];
    uint64_t newest_bin; /* since the clock's zero */
    bool is_begun;
} event_volume;

void event_volume_reset(event_volume *volume);

/* An event: microseconds that never go back, the sensor's pixel from its top left. */
void event_volume_push(event_volume *volume, uint64_t t_us, int x_px, int y_px, bool rose);

/* A bin by its age: 0 is the newest, which is not over yet. */
const uint8_t *event_volume_bin(const event_volume *volume, int age);

#ifdef __cplusplus
}
#endif

#endif
