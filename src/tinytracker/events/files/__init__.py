"""Files of the field: event streams of cameras, and recordings of eyes in the layouts of public sets.

Streams (`streams.py` knows them all): `camera.py` (.aedat4, .raw, .dat, .es), `hdf5.py` (.h5), `npz.py`,
`text.py` (events.txt). Layouts of recordings (`layouts.py`): `ini30.py`, `threeet.py`, `eveye.py`, and our
own, `own.py`.

Of a damaged file what can be read is kept and said; where nothing can, RecordingError says why.
"""
