/* A gaze calibrated by a person's six numbers, in visual angle, as the host does it (calibration/calibration.py). */
#ifndef GAZE_CALIBRATE_H
#define GAZE_CALIBRATE_H

#include <math.h>

/* distance_cm: of the eyes from the camera. add: degrees added to the direction to the right and up: an offset, and
 * degrees per degree to the right and up. */
typedef struct {
    float distance_cm;
    float add[2][3];
} gaze_calibration;

/* A gaze point in cm from the camera (right, up) is calibrated in place. */
static inline void gaze_calibrate(const gaze_calibration *by, float *x_cm, float *y_cm) {
    const float degree = 0.017453292519943295f;
    float right = atanf(*x_cm / by->distance_cm) / degree;
    float up = atanf(*y_cm / by->distance_cm) / degree;
    float moved_right = right + by->add[0][0] + by->add[0][1] * right + by->add[0][2] * up;
    float moved_up = up + by->add[1][0] + by->add[1][1] * right + by->add[1][2] * up;
    *x_cm = tanf(moved_right * degree) * by->distance_cm;
    *y_cm = tanf(moved_up * degree) * by->distance_cm;
}

#endif
