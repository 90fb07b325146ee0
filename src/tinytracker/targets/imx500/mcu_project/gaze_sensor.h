/* From the sensor's output tensor to a gaze point. Portable C99; knows nothing of the SDK that brings the tensor. */
#ifndef GAZE_SENSOR_H
#define GAZE_SENSOR_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* As the sensor's metadata describe it: real = (value - zero_point) * scale. bits: 8, 16 or 32 an element, little-endian. */
typedef struct {
    const uint8_t *data;
    uint32_t elements;
    uint8_t bits;
    uint8_t is_unsigned;
    int32_t zero_point;
    float scale;
} gaze_tensor;

/* cm, the camera at the origin: x to the right and y up as the person sees the device. */
typedef struct {
    float x_cm, y_cm;
} gaze_point;

enum gaze_result {
    GAZE_OK = 0,
    GAZE_NO_DATA = -1,     /* the frame carries no tensor */
    GAZE_WRONG_SHAPE = -2, /* it is not the network's two numbers: another network is in the module's flash */
    GAZE_WRONG_TYPE = -3   /* bits of an element that the sensor does not give, or a scale that is none */
};

/* A rectangle of the sensor, in full-sensor pixels. */
typedef struct {
    int left, top, width, height;
} gaze_region;

/* Where the sensor looks from now on: the network's correction is computed for it. The one of gaze_network.h to begin with. */
void gaze_look_at(const gaze_region *region);

/* Reads "R left top width height"; 1 if the line was that and the region lies on the sensor (it is looked at from then on, and
 * given), else 0 and nothing changes. */
int gaze_region_line(const char *line, gaze_region *region);

enum gaze_result gaze_from_tensor(const gaze_tensor *tensor, gaze_point *point);

/* A person's own correction, applied last: x' = a[0] x + a[1] y + a[2], y' = a[3] x + a[4] y + a[5]. */
void gaze_calibrate(const float affine[6]);

/* Reads "C a0 a1 a2 a3 a4 a5", as a host sends it over the serial port; 1 if the line was that, else 0 and nothing changes. */
int gaze_calibrate_line(const char *line);

#ifdef __cplusplus
}
#endif

#endif
