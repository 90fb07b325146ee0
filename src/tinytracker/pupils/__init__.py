"""Pupils followed at the rate of events: a stream of events -> where the pupil is -> where it looks.

`follow.py` (events -> estimates), `polynomial.py` (a person's own map from pupil to gaze), `dots.py` (what it
is fitted to), `rows.py` (CSV, JSON lines, Parquet), `drawing.py` and `video.py` (events with the pupil
drawn).
"""
