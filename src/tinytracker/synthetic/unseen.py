"""Whom rendered clips show: people whom no network has seen. Apart from clip.py, as commands need the
numbers before numba."""

# Recordings have small seeds: nobody trains on this seed's people. Nor on these numbers: of every ten, 0 and
# 3 to 9 train.
CLIP_SEED = 77_777
CLIP_PEOPLE = tuple(range(22, 122, 10))

# Chosen when people still had another shape, by nothing that holds today, and kept. Errors of single people
# differ much: `tinytracker demo --person 32` is another.
CLIP_PERSON = 22

# Who sits at `tinytracker live --demo`: was in the middle of ten (22, 32, ... 112) by the held-out error
# after five dots, with the tinytracker-eyes before the one that is released now.
LIVE_PERSON = 32
