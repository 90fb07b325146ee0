#include "event_volume.h"

#include <string.h>

static void move_on(event_volume *volume, uint64_t now) {
    if (!volume->is_begun || now - volume->newest_bin >= EVENT_VOLUME_BINS) {
        memset(volume->counts, 0, sizeof volume->counts);
    } else {
        for (uint64_t passed = volume->newest_bin + 1; passed <= now; passed++) {
            memset(volume->counts[passed % EVENT_VOLUME_BINS], 0, EVENT_VOLUME_BIN_BYTES);
        }
    }
    volume->newest_bin = now;
    volume->is_begun = true;
}

void event_volume_reset(event_volume *volume) {
    memset(volume, 0, sizeof *volume);
}

void event_volume_push(event_volume *volume, uint64_t t_us, int x_px, int y_px, bool rose) {
    const int across = x_px - (EVENT_VOLUME_LEFT_PX), down = y_px - (EVENT_VOLUME_TOP_PX);
    move_on(volume, t_us / EVENT_VOLUME_BIN_US);
    if (across < 0 || down < 0 || across >= EVENT_VOLUME_SIZE * EVENT_VOLUME_SCALE ||
        down >= EVENT_VOLUME_SIZE * EVENT_VOLUME_SCALE) {
        return;
    }
    const int cell = down / EVENT_VOLUME_SCALE * EVENT_VOLUME_SIZE + across / EVENT_VOLUME_SCALE;
    uint8_t *count = &volume->counts[volume->newest_bin % EVENT_VOLUME_BINS]
                                    [(rose ? EVENT_VOLUME_SIZE * EVENT_VOLUME_SIZE : 0) + cell];
    *count = (uint8_t)(*count + (*count < UINT8_MAX));
}

const uint8_t *event_volume_bin(const event_volume *volume, int age) {
    return volume->counts[(volume->newest_bin + EVENT_VOLUME_BINS - (unsigned)age) % EVENT_VOLUME_BINS];
}
