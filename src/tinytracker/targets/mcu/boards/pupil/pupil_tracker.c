#include "pupil_tracker.h"

#include <string.h>

static float real(const int8_t *output, int place) {
    return @UPPER@_OUTPUT_0_SCALE * (float)(output[place] - @UPPER@_OUTPUT_0_ZERO_POINT);
}

static float on_sensor(float share, int first_px) {
    return share * (float)(EVENT_WINDOW_SIZE * EVENT_WINDOW_SCALE) + (float)first_px;
}

void pupil_tracker_reset(pupil_tracker *tracker) {
    event_window_reset(&tracker->window);
#if PUPIL_TRACKER_REMEMBERS
    memset(tracker->last, @UPPER@_OUTPUT_0_ZERO_POINT, sizeof tracker->last);
#endif
}

void pupil_tracker_push(pupil_tracker *tracker, uint32_t t_us, int x_px, int y_px, bool rose) {
    event_window_push(&tracker->window, t_us, x_px, y_px, rose);
}

pupil_estimate pupil_tracker_estimate(pupil_tracker *tracker, void *arena) {
    event_window_write(&tracker->window, @PREFIX@_input(arena, PUPIL_TRACKER_EVENTS_INPUT));
#if PUPIL_TRACKER_REMEMBERS
    memcpy(@PREFIX@_input(arena, PUPIL_TRACKER_LAST_INPUT), tracker->last, sizeof tracker->last);
#endif
    @PREFIX@_invoke(arena);
    const int8_t *output = @PREFIX@_output(arena, 0);
#if PUPIL_TRACKER_REMEMBERS
    memcpy(tracker->last, output, sizeof tracker->last);
#endif
    pupil_estimate pupil = {0.0f, 0.0f, -1.0f, -1.0f};
#if PUPIL_TRACKER_BOX
    pupil.x_px = on_sensor((real(output, 0) + real(output, 2)) / 2, EVENT_WINDOW_LEFT_PX);
    pupil.y_px = on_sensor((real(output, 1) + real(output, 3)) / 2, EVENT_WINDOW_TOP_PX);
#else
    pupil.x_px = on_sensor(real(output, 0), EVENT_WINDOW_LEFT_PX);
    pupil.y_px = on_sensor(real(output, 1), EVENT_WINDOW_TOP_PX);
    pupil.closed = real(output, 2);
    pupil.confidence = real(output, 3);
#endif
    return pupil;
}
