#include "gaze_sensor.h"

#include <math.h>
#include <stdlib.h>

#include "gaze_network.h"

static float calibration[6] = {1, 0, 0, 0, 1, 0};
static float scales[2], offsets[2];
static int looks;

#if GAZE_HIDDEN
/* y = number * scale(region) + offset(region), as the host's correction has it. */
void gaze_look_at(const gaze_region *region) {
    const float box[4] = {
        (float)region->left / GAZE_SENSOR_WIDTH * 2 - 1,
        (float)region->top / GAZE_SENSOR_HEIGHT * 2 - 1,
        (float)region->width / GAZE_SENSOR_WIDTH * 2 - 1,
        (float)region->height / GAZE_SENSOR_HEIGHT * 2 - 1,
    };
    for (int axis = 0; axis < 2; axis++) {
        scales[axis] = GAZE_SCALE_BIAS[axis];
        offsets[axis] = GAZE_OFFSET_BIAS[axis];
    }
    for (int unit = 0; unit < GAZE_HIDDEN; unit++) {
        float sum = GAZE_HIDDEN_BIAS[unit];
        for (int i = 0; i < 4; i++) {
            sum += GAZE_HIDDEN_WEIGHT[unit][i] * box[i];
        }
        sum = sum > 0 ? sum : 0;
        for (int axis = 0; axis < 2; axis++) {
            scales[axis] += GAZE_SCALE_WEIGHT[axis][unit] * sum;
            offsets[axis] += GAZE_OFFSET_WEIGHT[axis][unit] * sum;
        }
    }
    looks = 1;
}
#else
void gaze_look_at(const gaze_region *region) {
    (void)region;
    for (int axis = 0; axis < 2; axis++) {
        scales[axis] = GAZE_SCALE_BIAS[axis];
        offsets[axis] = GAZE_OFFSET_BIAS[axis];
    }
    looks = 1;
}
#endif

static float element(const gaze_tensor *tensor, uint32_t index) {
    uint32_t bytes = tensor->bits / 8U;
    const uint8_t *at = tensor->data + index * bytes;
    uint32_t raw = 0;
    for (uint32_t i = 0; i < bytes; i++) {
        raw |= (uint32_t)at[i] << (8U * i);
    }
    if (tensor->is_unsigned) {
        return ((float)raw - (float)tensor->zero_point) * tensor->scale;
    }
    int64_t value = raw;
    if (raw >> (tensor->bits - 1U) & 1U) {
        value -= (int64_t)1 << tensor->bits;
    }
    return (float)(value - tensor->zero_point) * tensor->scale;
}

enum gaze_result gaze_from_tensor(const gaze_tensor *tensor, gaze_point *point) {
    if (tensor->data == NULL || tensor->elements == 0) {
        return GAZE_NO_DATA;
    }
    if (tensor->elements != 2) {
        return GAZE_WRONG_SHAPE;
    }
    if ((tensor->bits != 8 && tensor->bits != 16 && tensor->bits != 32) || !isfinite(tensor->scale) || tensor->scale <= 0) {
        return GAZE_WRONG_TYPE;
    }
    if (!looks) {
        const gaze_region region = {GAZE_ROI_LEFT, GAZE_ROI_TOP, GAZE_ROI_WIDTH, GAZE_ROI_HEIGHT};
        gaze_look_at(&region);
    }
    float x = (element(tensor, 0) * scales[0] + offsets[0]) * GAZE_OUTPUT_SCALE_CM;
    float y = (element(tensor, 1) * scales[1] + offsets[1]) * GAZE_OUTPUT_SCALE_CM;
    point->x_cm = calibration[0] * x + calibration[1] * y + calibration[2];
    point->y_cm = calibration[3] * x + calibration[4] * y + calibration[5];
    return GAZE_OK;
}

void gaze_calibrate(const float affine[6]) {
    for (int i = 0; i < 6; i++) {
        calibration[i] = affine[i];
    }
}

int gaze_calibrate_line(const char *line) {
    float affine[6];
    if (line[0] != 'C' || line[1] != ' ') {
        return 0;
    }
    const char *at = line + 1;
    for (int i = 0; i < 6; i++) {
        char *end;
        affine[i] = strtof(at, &end);
        if (end == at || !isfinite(affine[i])) {
            return 0;
        }
        at = end;
    }
    gaze_calibrate(affine);
    return 1;
}

int gaze_region_line(const char *line, gaze_region *region) {
    long sides[4];
    if (line[0] != 'R' || line[1] != ' ') {
        return 0;
    }
    const char *at = line + 1;
    for (int i = 0; i < 4; i++) {
        char *end;
        sides[i] = strtol(at, &end, 10);
        if (end == at || sides[i] < 0 || sides[i] > GAZE_SENSOR_WIDTH) {
            return 0;
        }
        at = end;
    }
    if (sides[2] == 0 || sides[3] == 0 || sides[0] + sides[2] > GAZE_SENSOR_WIDTH || sides[1] + sides[3] > GAZE_SENSOR_HEIGHT) {
        return 0;
    }
    region->left = (int)sides[0];
    region->top = (int)sides[1];
    region->width = (int)sides[2];
    region->height = (int)sides[3];
    gaze_look_at(region);
    return 1;
}
