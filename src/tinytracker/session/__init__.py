"""A sitting on disk: gaze, events, calibration and, if asked for, the camera's pictures, in one folder.

    sitting/
        session.json       what was recorded with what: versions, model, screen, camera, clocks
        gaze.csv           one row per frame, `tracking.sinks.COLUMNS`; or gaze.parquet, made when closed
        events.csv         fixations, blinks, triggers, dots shown, re-centrings (`events.EVENT_COLUMNS`)
        calibration.json   the profile that was in force, if there was one
        camera.mkv         the camera's pictures, only if asked for: picture k belongs to row k of gaze

Rows are handed to the system one by one, and session.json is there before the first: whatever kills the
program leaves a folder that `reader.read_session` reads.
"""
