"""Whom rendered clips show: people whom no network has seen. Apart from clip.py, as commands need the numbers before numba."""

# Recordings have small seeds: nobody trains on this seed's people. Nor on these numbers: of every ten, 0 and 3 to 9 train.
CLIP_SEED = 77_777
CLIP_PEOPLE = tuple(range(22, 122, 10))

# Chosen as near the middle of twelve (2, 12, ... 112) by the errors of an early tinytracker-eyes, and kept since, so that clips
# by networks of different versions compare. Errors of single people differ much: `tinytracker demo --person 32` is another.
CLIP_PERSON = 22
