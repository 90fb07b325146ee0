/* A person's calibration: what is added to a gaze, in visual angle. As it stands it changes nothing. */
#ifndef GAZE_CALIBRATION_H
#define GAZE_CALIBRATION_H

#define GAZE_CALIBRATION_ID ""
#define GAZE_CALIBRATION_USED 0
#define GAZE_CALIBRATION_DISTANCE_CM 60.0f /* of the eyes when it was made; the board does not measure it */
/* Degrees added to the direction to the right and up: an offset, and degrees per degree to the right and up. */
#define GAZE_CALIBRATION_RIGHT {0.0f, 0.0f, 0.0f}
#define GAZE_CALIBRATION_UP {0.0f, 0.0f, 0.0f}

#endif
