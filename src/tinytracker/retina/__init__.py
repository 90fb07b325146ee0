"""Networks of pupils before event cameras: what they learn from, how they are trained, run and scored.

`model.py` runs one without torch, as `track-events` does; the networks themselves are in `tinytracker.models`
(pupil, retina_ann, retina).
"""
